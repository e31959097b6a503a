"""Makes backups with Cinder's own posix driver (Debian's cinder-common), without a database.

Usage: cinder_backup.py FOLDER PLAN. PLAN is JSON: [{"id", "parent_id", "volume_id", "file",
"compression", "name"}, …], parents first; each names a file that holds the volume at that time.
"""
import contextlib
import datetime
import json
import sys
from unittest import mock

import eventlet
eventlet.monkey_patch()

from cinder import context
from cinder import objects
from oslo_config import cfg
from cinder.backup import chunkeddriver
from cinder.backup.drivers import posix

CONF = cfg.CONF
CONF([], project="cinder", default_config_files=[])
objects.register_all()


class Backup(dict):
    """The part of the record that the driver uses."""

    __getattr__ = dict.get
    __setattr__ = dict.__setitem__

    def save(self):
        pass

    def refresh(self):
        pass

    @contextlib.contextmanager
    def as_read_deleted(self):
        yield


def driver_for(folder, compression, volume):
    CONF.set_override("connection", "sqlite://", group="database")
    CONF.set_override("backup_posix_path", folder)
    CONF.set_override("backup_compression_algorithm", compression)
    CONF.set_override("backup_file_size", 2 ** 21)
    CONF.set_override("backup_enable_progress_timer", False)
    driver = posix.PosixBackupDriver(context.get_admin_context())
    driver.db = mock.Mock()
    driver.db.volume_get.return_value = volume
    driver.get_metadata = lambda _volume_id: json.dumps({
        "version": 2,
        "volume-base-metadata": {"display_name": "the volume", "size": 1, "bootable": True},
        "volume-metadata": {"tier": "gold"}})
    return driver


def main():
    folder, plan = sys.argv[1], json.loads(sys.argv[2])
    made = {}
    for hour, step in enumerate(plan):
        backup = Backup({
            "id": step["id"], "volume_id": step["volume_id"], "parent_id": step["parent_id"],
            "display_name": step["name"], "display_description": None, "container": None,
            "status": "creating", "size": 1, "object_count": 0,
            "created_at": datetime.datetime(2025, 3, 4, hour, tzinfo=datetime.timezone.utc)})
        made[backup.id] = backup
        driver = driver_for(folder, step["compression"], {"id": step["volume_id"], "size": 1})
        find = lambda _context, wanted, **_options: made[wanted]
        with mock.patch.object(chunkeddriver.objects.Backup, "get_by_id", find), \
             mock.patch.object(chunkeddriver.volume_utils, "notify_about_backup_usage"), \
             open(step["file"], "rb") as source:
            driver.backup(backup, source)


main()
