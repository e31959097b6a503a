"""What openstacksdk does with Block Storage, each resource at the newest microversion it knows."""

import sys
import time

import openstack

cloud = openstack.connect(cloud="firn")
storage = cloud.block_storage


def settled(kind, resource, wanted="available"):
    """Waits until the resource has the status; kind is its name in the SDK's calls."""
    for _ in range(300):
        resource = getattr(storage, f"get_{kind}")(resource.id)
        if resource.status == wanted:
            return resource
        if resource.status.startswith("error"):
            break
        time.sleep(0.1)
    raise SystemExit(f"{kind} {resource.id} is {resource.status}")


def check(what, fact):
    if not fact:
        raise SystemExit(f"not true: {what}")
    print("ok", what)


volume_type = storage.create_type(name="sdk-type", is_public=True)
storage.update_type_extra_specs(volume_type, tier="gold")
check("a type is found by name", storage.find_type("sdk-type").id == volume_type.id)
storage.delete_type_extra_specs(volume_type, ["tier"])

volume = storage.create_volume(size=1, name="sdk", volume_type="sdk-type", metadata={"a": "b"})
volume = settled("volume", volume)
check("a volume is found by name", storage.find_volume("sdk").id == volume.id)
check("its type is told", volume.volume_type == "sdk-type" and volume.is_bootable is False)
storage.set_volume_metadata(volume, tier="silver")
check("metadata is kept", storage.get_volume_metadata(volume).metadata["tier"] == "silver")
storage.delete_volume_metadata(volume, ["tier"])
storage.set_volume_bootable_status(volume, True)
storage.set_volume_readonly(volume, True)
storage.set_volume_readonly(volume, False)
storage.extend_volume(volume, 2)
volume = settled("volume", volume)
check("it has grown", volume.size == 2)
settled("volume", volume)
storage.retype_volume(volume, "__DEFAULT__")
check("it is of another type", storage.get_volume(volume.id).volume_type == "__DEFAULT__")
names = [row.name for row in storage.volumes(details=False, limit=1)]
check("a list is paged", names == ["sdk"])

snapshot = storage.create_snapshot(volume_id=volume.id, name="sdk-snapshot")
snapshot = settled("snapshot", snapshot)
check("a snapshot is found by name", storage.find_snapshot("sdk-snapshot").id == snapshot.id)
storage.set_snapshot_metadata(snapshot, a="b")
copy = settled("volume", storage.create_volume(size=2, snapshot_id=snapshot.id, name="copy"))

backup = storage.create_backup(volume_id=volume.id, name="sdk-backup")
backup = settled("backup", backup)
check("a backup is found by name", storage.find_backup("sdk-backup").id == backup.id)
check("backups are listed", len(list(storage.backups())) == 1)
storage.restore_backup(backup, name="restored")
restored = [row for row in storage.volumes() if row.name == "restored"]
check("a restore makes a volume", len(restored) == 1)
settled("volume", restored[0])

check("pools are told", list(storage.backend_pools())[0].name == "firn@layers#layers")
check("limits are told", storage.get_limits().absolute.max_total_volumes == 1000)
check("extensions are told", len(list(storage.extensions())) > 10)
check("filters are told", len(list(storage.resource_filters())) > 5)
project = cloud.current_project_id
quota = storage.get_quota_set(project, usage=True)
check("usage is told", quota.usage["volumes"] == 3)
check("defaults are told", storage.get_quota_set_defaults(project).volumes == 1000)

group_type = storage.create_group_type(name="sdk-group-type")
storage.create_group_type_group_specs(group_type, {"a": "b"})
check("a group type is found", storage.find_group_type("sdk-group-type").id == group_type.id)
storage.delete_group_type(group_type)

storage.delete_backup(backup, ignore_missing=False)
storage.wait_for_delete(backup, interval=0.2, wait=30)
storage.delete_snapshot(snapshot, ignore_missing=False)
storage.wait_for_delete(snapshot, interval=0.2, wait=30)
for row in storage.volumes():
    storage.delete_volume(row, ignore_missing=False)
    storage.wait_for_delete(row, interval=0.2, wait=30)
storage.delete_type(volume_type)
check("nothing is left", list(storage.volumes()) == [] and list(storage.backups()) == [])
print("done", file=sys.stderr)
