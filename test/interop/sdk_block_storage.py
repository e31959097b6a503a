"""What openstacksdk does with Block Storage, each resource at the newest microversion it knows."""

import sys
import time

import openstack
from openstack.block_storage.v3 import _proxy

cloud = openstack.connect(cloud="firn")


class Recorder:
    """The library's Block Storage, which notes which of its methods were called."""

    called = set()

    def __getattr__(self, name):
        self.called.add(name)
        return getattr(cloud.block_storage, name)


storage = Recorder()


def settled(kind, resource, wanted="available"):
    """Waits until the resource has the status; kind is its name in the SDK's calls."""
    for _ in range(1800):
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


def refused(what, call):
    """That a call is refused as a bad request."""
    try:
        call()
    except openstack.exceptions.BadRequestException:
        print("ok refused:", what)
        return
    raise SystemExit(f"not refused: {what}")


def breaks(what, error, call):
    """That the library itself cannot make a call."""
    try:
        call()
    except error:
        print("ok breaks:", what)
        return
    raise SystemExit(f"does not break any more: {what}")


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

storage.update_quota_set(storage.get_quota_set(project), volumes=900)
check("a quota is set", storage.get_quota_set(project).volumes == 900)
storage.revert_quota_set(project)
check("zones are told", [zone.name for zone in storage.availability_zones()] == ["nova"])
capabilities = storage.get_capabilities("firn@layers")
check("capabilities are told", capabilities.volume_backend_name == "layers")

private = storage.create_type(name="sdk-private", is_public=False)
storage.add_type_access(private, project)
check("access is told", len(storage.get_type_access(private)) == 1)
storage.remove_type_access(private, project)
storage.create_type_encryption(
    private, provider="luks", cipher="c", key_size=256, control_location="front-end"
)
encryption = storage.get_type_encryption(private)
storage.update_type_encryption(encryption, cipher="d")
check("encryption is told", storage.get_type_encryption(private).cipher == "d")
storage.delete_type_encryption(storage.get_type_encryption(private))
storage.update_type(private, description="words")
check("a type is told", storage.get_type(private.id).description == "words")
check("types are listed", len(list(storage.types())) >= 2)
storage.delete_type(private)

storage.reset_volume_status(volume, "error", None, None)
check("a status is set", storage.get_volume(volume.id).status == "error")
storage.reset_volume_status(volume, "available", None, None)
storage.revert_volume_to_snapshot(volume, snapshot)
volume = settled("volume", volume)
storage.reserve_volume(volume)
check("a volume is reserved", storage.get_volume(volume.id).status == "attaching")
storage.unreserve_volume(volume)
storage.attach_volume(volume, "/dev/vdb", host_name="h")
check("a volume is attached", storage.get_volume(volume.id).status == "in-use")
storage.begin_volume_detaching(volume)
storage.abort_volume_detaching(volume)
storage.detach_volume(volume, storage.get_volume(volume.id).attachments[0]["attachment_id"])
storage.wait_for_status(storage.get_volume(volume.id), "available", interval=0.1, wait=180)
refused("another host", lambda: storage.migrate_volume(volume, host="x@y#z"))
refused(
    "the end of no migration",
    lambda: storage.complete_volume_migration(volume, storage.find_volume("restored").id),
)
refused("a snapshot's end", lambda: storage.set_snapshot_status(snapshot, "available", "100%"))
storage.init_volume_attachment(volume, {"host": "h"})
storage.terminate_volume_attachment(volume, {"host": "h"})
check("a volume is free", storage.get_volume(volume.id).status == "available")

storage.update_snapshot(snapshot, name="sdk-snapshot-2")
check("metadata of a snapshot", storage.get_snapshot_metadata(snapshot).metadata == {"a": "b"})
storage.delete_snapshot_metadata(snapshot, ["a"])
storage.reset_snapshot(snapshot, "error")
storage.reset_snapshot(snapshot, "available")
check("snapshots are listed", len(list(storage.snapshots())) == 1)
storage.reset_backup(backup, "error")
storage.reset_backup(backup, "available")

group_type = storage.create_group_type(name="sdk-group-type")
storage.create_group_type_group_specs(group_type, {"a": "b"})
check("a group type is found", storage.find_group_type("sdk-group-type").id == group_type.id)
storage.fetch_group_type_group_specs(group_type)
storage.update_group_type_group_specs_property(group_type, "a", "c")
found = storage.get_group_type_group_specs_property(group_type, "a")
check("a group spec is told", found == "c")
storage.delete_group_type_group_specs_property(group_type, "a")
check("a group type is told", storage.get_group_type(group_type.id).name == "sdk-group-type")
check("group types are listed", len(list(storage.group_types())) == 2)
default = storage.find_type("__DEFAULT__")
group = storage.create_group(
    group_type=group_type.id, volume_types=[default.id], name="sdk-group"
)
check("a group is found", storage.find_group("sdk-group").id == group.id)
storage.update_group(group, name="sdk-group-2")
storage.update_group_type(group_type.id, description="words")
breaks(
    "the state of a group",
    AttributeError,
    lambda: storage.reset_group_state(group, "available"),
)
refused(
    "a group of two sources",
    lambda: storage.create_group_from_source(
        name="none", group_snapshot_id=group.id, source_group_id=group.id
    ),
)
check("a group is told", storage.get_group(group.id).name == "sdk-group-2")
check("groups are listed", len(list(storage.groups())) == 1)
storage.delete_group(group, delete_volumes=True)
for _ in range(1800):
    if not list(storage.groups()):
        break
    time.sleep(0.1)
storage.delete_group_type(group_type)

refused("a volume that becomes a file, without a folder", lambda: storage.unmanage_volume(copy))
storage.upload_volume_to_image(copy, "sdk-image")
settled("volume", copy)

storage.delete_backup(backup, ignore_missing=False)
storage.wait_for_delete(backup, interval=0.2, wait=180)
storage.delete_snapshot(snapshot, ignore_missing=False)
storage.wait_for_delete(snapshot, interval=0.2, wait=180)
for row in storage.volumes():
    storage.delete_volume(row, ignore_missing=False)
    storage.wait_for_delete(row, interval=0.2, wait=180)
storage.delete_type(volume_type)
check("nothing is left", list(storage.volumes()) == [] and list(storage.backups()) == [])
own = {name for name in vars(_proxy.Proxy) if not name.startswith("_")}
print("not called:", ", ".join(sorted(own - Recorder.called)) or "none")
