"""A real Keystone in one process: SQLite, fernet tokens, an administrator.

Usage: keystone_server.py FOLDER. Prints `ready PORT` when it answers. After SIGUSR1 tokens that it
issues live five seconds.
"""

import os
import signal
import socketserver
import sqlite3
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from cryptography.fernet import Fernet

folder = sys.argv[1]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """A client that keeps its connection open keeps nobody else waiting."""

    daemon_threads = True
    request_queue_size = 128


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_args):
        pass


server = Server(("127.0.0.1", 0), Handler)
url = "http://127.0.0.1:%d/v3" % server.server_port

for name in ("fernet-keys", "credential-keys"):
    os.makedirs(os.path.join(folder, name), mode=0o700)
    for index in ("0", "1"):
        with open(os.path.join(folder, name, index), "wb") as key_file:
            key_file.write(Fernet.generate_key())
conf_path = os.path.join(folder, "keystone.conf")
with open(conf_path, "w") as conf_file:
    conf_file.write(
        """
[DEFAULT]
log_file = {0}/keystone.log
public_endpoint = {1}
[database]
connection = sqlite:///{0}/keystone.sqlite
[token]
provider = fernet
[fernet_tokens]
key_repository = {0}/fernet-keys
[credential]
key_repository = {0}/credential-keys
[identity]
password_hash_rounds = 4
[cache]
enabled = false
""".format(folder, url[: -len("/v3")])
    )

os.environ["OS_KEYSTONE_CONFIG_FILES"] = conf_path
sys.argv = ["keystone"]

import keystone.conf  # noqa: E402
from keystone.cmd import bootstrap  # noqa: E402
from keystone.common import provider_api, sql  # noqa: E402
from keystone.common.sql import upgrades  # noqa: E402

keystone.conf.configure()
sql.initialize()
keystone.conf.CONF([], project="keystone", default_config_files=[conf_path])
upgrades.offline_sync_database_to_version(None)
# Sessions that only read are left open for a while, and must not keep the writer out.
sqlite3.connect(os.path.join(folder, "keystone.sqlite")).execute("pragma journal_mode=wal")

boot = bootstrap.Bootstrapper()
boot.admin_username = "admin"
boot.admin_password = "cloud-secret"
boot.project_name = "admin"
boot.admin_role_name = "admin"
boot.service_name = "keystone"
boot.public_url = boot.internal_url = boot.admin_url = url
boot.region_id = "RegionOne"
boot.immutable_roles = True
boot.bootstrap()

# The application loads the backends anew.
provider_api.ProviderAPIs._clear_registry_instances()
keystone.conf.CONF.reset()

from keystone.server import wsgi  # noqa: E402


def shorten_tokens(*_args):
    keystone.conf.CONF.set_override("expiration", 5, group="token")


signal.signal(signal.SIGUSR1, shorten_tokens)
server.set_app(wsgi.initialize_public_application())
print("ready %d" % server.server_port, flush=True)
server.serve_forever()
