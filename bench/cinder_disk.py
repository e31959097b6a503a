"""Backs a disk image up, or restores it, with Cinder's own chunked posix driver, without a database.

Usage: cinder_disk.py backup FOLDER IMAGE NUMBER   (incremental to NUMBER - 1, if that is not 0)
       cinder_disk.py restore FOLDER IMAGE NUMBER

Objects are those of Cinder's defaults but for their size, 50 MiB: with the posix driver's 2 GB it
takes 4 GB of memory. Compression is zstd.
"""
import contextlib
import datetime
import json
import os
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
VOLUME = "0f1d5b5e-0000-4000-8000-000000000001"
GIB = 2 ** 30


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


def record_path(folder, backup_id):
    return os.path.join(folder, backup_id + ".record")


def id_of(number):
    return "0f1d5b5e-0000-4000-8000-%012d" % (100 + int(number))


def new_record(number, image):
    return Backup({
        "id": id_of(number), "volume_id": VOLUME,
        "parent_id": id_of(int(number) - 1) if int(number) > 1 else None,
        "display_name": None, "display_description": None, "container": None,
        "status": "creating", "size": os.path.getsize(image) // GIB, "object_count": 0,
        "created_at": datetime.datetime(2025, 3, 4, int(number), tzinfo=datetime.timezone.utc)})


def save_record(folder, backup):
    kept = dict(backup, created_at=backup.created_at.isoformat())
    with open(record_path(folder, backup.id), "w") as target:
        json.dump(kept, target)


def load_record(folder, backup_id):
    with open(record_path(folder, backup_id)) as source:
        kept = Backup(json.load(source))
    kept.created_at = datetime.datetime.fromisoformat(kept.created_at)
    return kept


def driver_for(folder, size):
    CONF.set_override("connection", "sqlite://", group="database")
    CONF.set_override("backup_posix_path", folder)
    CONF.set_override("backup_compression_algorithm", "zstd")
    CONF.set_override("backup_file_size", 50 * 2 ** 20)
    CONF.set_override("backup_enable_progress_timer", False)
    driver = posix.PosixBackupDriver(context.get_admin_context())
    driver.db = mock.Mock()
    driver.db.volume_get.return_value = {"id": VOLUME, "size": size}
    driver.get_metadata = lambda _volume_id: None
    return driver


def main():
    verb, folder, image, number = sys.argv[1:]
    find = lambda _context, wanted, **_options: load_record(folder, wanted)
    with mock.patch.object(chunkeddriver.objects.Backup, "get_by_id", find), \
         mock.patch.object(chunkeddriver.volume_utils, "notify_about_backup_usage"):
        if verb == "backup":
            backup = new_record(number, image)
            with open(image, "rb") as source:
                driver_for(folder, backup.size).backup(backup, source)
            save_record(folder, backup)
            return
        backup = load_record(folder, id_of(number))
        backup.status = "restoring"
        with open(image, "w+b") as target:
            target.truncate(backup.size * GIB)
            driver_for(folder, backup.size).restore(backup, VOLUME, target)


main()
