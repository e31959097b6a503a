import assert from 'node:assert/strict';
import test from 'node:test';
import { cloudFromEnvironment, cloudFromYaml } from './cloud.ts';

const variables = {
  OS_AUTH_URL: 'http://firn.test:8776/identity/v3/',
  OS_USERNAME: 'ann',
  OS_PASSWORD: 'secret',
  OS_PROJECT_NAME: 'alpha',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_ID: 'default',
};

test('variables name a cloud', () => {
  assert.deepEqual(cloudFromEnvironment(variables), {
    authUrl: 'http://firn.test:8776/identity/v3',
    user: { name: 'ann', domain: { name: 'Default' } },
    password: 'secret',
    project: { name: 'alpha', domain: { id: 'default' } },
  });
  assert.equal(cloudFromEnvironment({}), undefined);
  assert.equal(cloudFromEnvironment({ OS_AUTH_URL: '' }), undefined);
});

test('a variable that is missing is named, and no password is repeated', () => {
  assert.throws(() => cloudFromEnvironment({ ...variables, OS_PASSWORD: '' }), {
    message: 'OS_PASSWORD is missing',
  });
  assert.throws(() => cloudFromEnvironment({ ...variables, OS_AUTH_URL: 'ftp://x' }), /ftp:\/\/x/);
});

const yaml = `
clouds:
  firn:
    auth:
      auth_url: http://firn.test/identity
      user_id: u1
      password: secret
      project_id: p1
  other:
    auth: {auth_url: "http://other.test/v3", username: bob, password: 12345, project_name: beta}
`;

test('a clouds.yaml has clouds by name', () => {
  assert.deepEqual(cloudFromYaml(yaml, 'clouds.yaml', 'firn'), {
    authUrl: 'http://firn.test/identity/v3',
    user: { id: 'u1' },
    password: 'secret',
    project: { id: 'p1' },
  });
  const other = cloudFromYaml(yaml, 'clouds.yaml', 'other');
  assert.equal(other.password, '12345');
  assert.deepEqual(other.user, { name: 'bob', domain: { id: 'default' } });
  assert.throws(() => cloudFromYaml(yaml, 'clouds.yaml', 'third'), /no cloud third.*firn, other/);
  assert.throws(() => cloudFromYaml(yaml, 'clouds.yaml'), /more than one cloud/);
});

test('a file that is no clouds.yaml is refused with its name', () => {
  const bad = ['', 'clouds: 5', 'clouds: [', '- a', 'clouds: {firn: 5}', 'clouds: {}'];
  for (const text of bad) {
    assert.throws(() => cloudFromYaml(text, '/x/clouds.yaml', 'firn'), /\/x\/clouds\.yaml/, text);
  }
});
