/** The terminal client's identity and image commands, each as an administrator types it. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it, after } from 'node:test';
import { startScene, type Scene } from '../firn.ts';
import { Openstack } from '../openstack.ts';
import { Fleet } from './fleet.ts';
import { needs } from '../peer.ts';
import { notServed, unserved } from './unserved-identity.ts';

/** What an administrator types, in order; each line has to work. */
const administration: readonly string[] = [
  'token issue',
  'catalog list',
  'catalog show volumev3',
  'domain create acme --description storage',
  'domain set acme --description more',
  'domain show acme',
  'domain list',
  'project create --domain acme --description d --tag blue lab',
  'project create --domain acme --parent lab bench',
  'project set --domain acme --name laboratory lab',
  'project show --domain acme laboratory',
  'project list --domain acme --long',
  'user create --domain acme --password pw --email a@b ada',
  'user set --domain acme --project laboratory --project-domain acme ada',
  'user set --domain acme --description engineer ada',
  'user show --domain acme ada',
  'user list --domain acme --long',
  'group create --domain acme crew',
  'group set --domain acme --description c crew',
  'group add user --group-domain acme --user-domain acme crew ada',
  'group contains user --group-domain acme --user-domain acme crew ada',
  'user list --group crew --domain acme',
  'group list --domain acme --user ada --user-domain acme',
  'group show --domain acme crew',
  'role create operator',
  'role set --description x operator',
  'role show operator',
  'role list',
  'role add --project laboratory --project-domain acme --user ada --user-domain acme member',
  'role add --project laboratory --project-domain acme --group crew --group-domain acme operator',
  'role add --domain acme --user ada --user-domain acme reader',
  'role add --domain acme --user ada --user-domain acme --inherited reader',
  'role add --system all --user ada --user-domain acme reader',
  'role assignment list --names',
  'role assignment list --user ada --user-domain acme --effective --names',
  'role assignment list --project laboratory --project-domain acme',
  'role assignment list --system all',
  'implied role list',
  'role remove --system all --user ada --user-domain acme reader',
  'role remove --domain acme --user ada --user-domain acme --inherited reader',
  'region create north --description far',
  'region list',
  'region show north',
  'region set --description near north',
  'service create --name nova --description d compute',
  'service list --long',
  'service show nova',
  'service set --description e nova',
  'endpoint create --region north compute public http://nova/%(project_id)s',
  'endpoint list --service nova',
  'application credential create robot --role member --description ci',
  'application credential create --unrestricted --secret s3cret free',
  'application credential create --expiration 2099-01-01T00:00:00 dated',
  'application credential list',
  'application credential show robot',
  'application credential delete robot',
  'access rule list',
  'image list',
  'image create --disk-format raw --container-format bare --file disk.raw --public cirros',
  'image show cirros',
  'image set --name debian --property os_distro=debian --min-disk 1 cirros',
  'image save --file copy.raw debian',
  'image list --long',
  'image unset --property os_distro debian',
  'image delete debian',
  'group remove user --group-domain acme --user-domain acme crew ada',
  'federation domain list',
  'federation project list',
  'user set --domain acme --disable ada',
  'user delete --domain acme ada',
  'group delete --domain acme crew',
  'role delete operator',
  'service delete nova',
  'region delete north',
  'project delete --domain acme bench laboratory',
  'domain set --disable acme',
  'domain delete acme',
];

/** The lines that show access rules, which come with a credential, and that make eve. */
async function accessRules(fleet: Fleet): Promise<string[]> {
  const rules = '[{"path":"/v3/volumes","method":"GET","service":"volumev3"}]';
  await fleet.works(`application credential create --access-rules ${rules} ruled`);
  const [rule = ''] = await fleet.cells('access rule list -f value -c ID');
  return [
    `access rule show ${rule}`,
    'application credential delete ruled',
    `access rule delete ${rule}`,
    'user create --password pw eve',
    'role add --user eve --project admin member',
  ];
}

describe('the openstack client on Identity and Image', needs('openstack'), () => {
  let scene: Scene;
  let openstack: Openstack;
  const endings: (() => Promise<void>)[] = [];
  before(async () => {
    scene = await startScene({ after: (work) => endings.push(work) });
    openstack = new Openstack(scene.dataFolder);
    await writeFile(join(scene.dataFolder, 'disk.raw'), 'x'.repeat(70_000));
  });
  after(async () => {
    for (const end of endings) await end();
  });

  it('every command of an administrator works, or the documentation says why not', async () => {
    const fleet = new Fleet('openstack', scene.dataFolder, '3.65');
    endings.unshift(async () => fleet.close());
    const lines = administration.map((line) =>
      line.replace(/\b(disk|copy)\.raw/, (name) => join(scene.dataFolder, name)),
    );
    assert.match(await fleet.works(...lines), /s3cret/);
    const create = 'endpoint create --region RegionOne volumev3 admin http://x -f value -c id';
    const [endpoint = ''] = await fleet.cells(create);
    await fleet.works(
      `endpoint show ${endpoint}`,
      `endpoint set --url http://y ${endpoint}`,
      `endpoint delete ${endpoint}`,
    );
    const [token = ''] = await fleet.cells('token issue -f value -c id');
    await fleet.works(`token revoke ${token}`);
    const [image = ''] = await fleet.cells('image create shared -f value -c id');
    for (const line of [`add project ${image} admin`, `member list ${image}`]) {
      await fleet.refused(`image ${line}`, /404/);
    }
    // The client takes a member that is not there for one that was removed.
    await fleet.works(`image remove project ${image} admin`, `image delete ${image}`);
    await fleet.works(...(await accessRules(fleet)));
    const change = 'user password set --password new --original-password';
    await fleet.refused(`${change} wrong`, /HTTP 401/);
    const eve = '--os-username eve --os-password pw --os-project-name admin';
    await openstack.ok(`${eve} ${change} pw`);
    await openstack.ok('--os-username eve --os-password new token issue');
    const rules = join(scene.dataFolder, 'rules.json');
    await writeFile(rules, '[]');
    for (const line of unserved) {
      await fleet.refused(line.replace('rules.json', rules), notServed);
    }
    const [any = ''] = await fleet.cells('endpoint list -f value -c ID');
    for (const verb of ['add', 'remove']) {
      await fleet.refused(`endpoint ${verb} project ${any} admin`, /404/);
    }
    await fleet.demandEvery(['openstack.identity.v3', 'openstack.image.v2']);
  });

  it('an application credential and a token log the client in', async () => {
    const made = await openstack.object('application credential create login');
    const clouds = await readFile(join(scene.dataFolder, 'clouds.yaml'), 'utf8');
    const base = {
      OS_CLOUD: '',
      OS_AUTH_URL: /auth_url: (\S+)/.exec(clouds)?.[1],
      OS_IDENTITY_API_VERSION: '3',
      OS_VOLUME_API_VERSION: '3',
    };
    const robot = new Openstack(scene.dataFolder, {
      ...base,
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_APPLICATION_CREDENTIAL_ID: String(made['id']),
      OS_APPLICATION_CREDENTIAL_SECRET: String(made['secret']),
    });
    await robot.ok('volume list');
    const refused = await robot.refused('application credential create another');
    assert.match(refused, /403/);
    const { id } = await openstack.object('token issue');
    const bearer = new Openstack(scene.dataFolder, {
      ...base,
      OS_AUTH_TYPE: 'v3token',
      OS_TOKEN: String(id),
      OS_PROJECT_NAME: 'admin',
      OS_PROJECT_DOMAIN_NAME: 'Default',
    });
    await bearer.ok('volume list');
    await openstack.ok('token revoke', String(id));
    await bearer.refused('volume list');
  });
});
