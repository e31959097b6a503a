"""OpenStack Swift in one process, for tests: rings, account, container, object and proxy server.

Usage: swift_server.py FOLDER. Answers on 127.0.0.1 with tempauth v1 at /auth/v1.0 and an S3 face,
and prints "ready PORT". It ends with the process that started it.
"""
import os
import sys

from swift.common import utils

folder = sys.argv[1]

SWIFT_CONF = """
[swift-hash]
swift_hash_path_prefix = firn
swift_hash_path_suffix = firn
"""

STORAGE_CONF = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = root
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
fallocate_reserve = 0
log_level = WARNING
# An update of a listing that comes too late is not repeated: here no updater runs.
container_update_timeout = 120
conn_timeout = 120
node_timeout = 120
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

PIPELINE = ("catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy "
            "container_quotas slo dlo versioned_writes symlink proxy-server")

PROXY_CONF = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = root
swift_dir = {folder}
log_level = WARNING
[pipeline:main]
pipeline = {pipeline}
[app:proxy-server]
use = egg:swift#proxy
conn_timeout = 120
node_timeout = 120
account_autocreate = true
allow_account_management = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
user_test_reader = reading
user_other_stranger = strange .admin
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:cache]
paste.filter_factory = __main__:cache_factory
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:container_quotas]
use = egg:swift#container_quotas
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""


class Cache:
    """The part of a memcache client that Swift uses; it lives as long as this process."""

    def __init__(self):
        self.values = {}

    def get(self, key, **_options):
        return self.values.get(key)

    def set(self, key, value, **_options):
        # How much a container holds is looked up each time, so that quotas are exact.
        if not key.startswith("container/"):
            self.values[key] = value

    def incr(self, key, delta=1, **_options):
        self.values[key] = self.values.get(key, 0) + delta
        return self.values[key]

    def delete(self, key, **_options):
        self.values.pop(key, None)


def cache_factory(_conf, **_local):
    cache = Cache()

    def wrap(app):
        def call(env, start_response):
            env["swift.cache"] = cache
            return app(env, start_response)
        return call
    return wrap


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as target:
        target.write(text)
    return path


def make_ring(kind, kind_port):
    from swift.common.ring import RingBuilder
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": kind_port,
                     "device": "d1", "weight": 1})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, kind + ".ring.gz"))


def main():
    os.makedirs(os.path.join(folder, "devices", "d1"))
    write("swift.conf", SWIFT_CONF)
    utils.set_swift_dir(folder)
    import eventlet
    eventlet.monkey_patch()
    from eventlet import wsgi
    from swift.common.wsgi import loadapp

    class Quiet:
        def write(self, *args):
            pass

        def flush(self):
            pass

    def serve(listener, conf):
        eventlet.spawn(wsgi.server, listener, loadapp(conf), log=Quiet(), log_output=False,
                       socket_timeout=60)

    def listen():
        return eventlet.listen(("127.0.0.1", 0), backlog=256)

    kinds = {kind: listen() for kind in ("account", "container", "object")}
    for kind, listener in kinds.items():
        make_ring(kind, listener.getsockname()[1])
    for kind, listener in kinds.items():
        port = listener.getsockname()[1]
        serve(listener, write(kind + ".conf", STORAGE_CONF.format(
            kind=kind, port=port, folder=folder)))
    proxy = listen()
    port = proxy.getsockname()[1]
    serve(proxy, write("proxy.conf", PROXY_CONF.format(
        port=port, folder=folder, pipeline=PIPELINE)))
    print("ready", port, flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        eventlet.sleep(0.5)


main()
