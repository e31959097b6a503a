/** Files for command-line clients: they ask for the password, which is in none of them. */
import type { Session } from '../../api/session.ts';

const authUrl = (): string => `${location.origin}/identity/v3`;

/** Quoted for a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function openrcText(session: Session): string {
  const { user, project } = session;
  const variables = {
    OS_AUTH_URL: authUrl(),
    OS_USERNAME: user.name,
    OS_USER_DOMAIN_NAME: user.domain.name,
    OS_PROJECT_ID: project?.id ?? '',
    OS_PROJECT_NAME: project?.name ?? '',
    OS_REGION_NAME: 'RegionOne',
    OS_INTERFACE: 'public',
    OS_IDENTITY_API_VERSION: '3',
    OS_VOLUME_API_VERSION: '3',
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
  return `#!/usr/bin/env bash
# Use it with: . ${openrcName(session)}
unset OS_CLOUD OS_TOKEN OS_TENANT_ID OS_TENANT_NAME
${lines.join('\n')}
echo "Please enter your OpenStack Password for project $OS_PROJECT_NAME as user $OS_USERNAME: "
read -sr OS_PASSWORD_INPUT
export OS_PASSWORD="$OS_PASSWORD_INPUT"
`;
}

/** Quoted for YAML. */
const scalar = (text: string): string => JSON.stringify(text);

export function cloudsText(session: Session): string {
  const { user, project } = session;
  return `# Save as ~/.config/openstack/clouds.yaml, or beside where you work.
# Add "password" below "auth", or give it when you are asked.
clouds:
  openstack:
    auth:
      auth_url: ${scalar(authUrl())}
      username: ${scalar(user.name)}
      user_domain_name: ${scalar(user.domain.name)}
      project_id: ${scalar(project?.id ?? '')}
      project_name: ${scalar(project?.name ?? '')}
    region_name: "RegionOne"
    interface: "public"
    identity_api_version: 3
    volume_api_version: 3
`;
}

const openrcName = ({ project }: Session): string =>
  `${(project?.name ?? 'project').replaceAll(/[^\w.-]/g, '_')}-openrc.sh`;

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

export const downloadOpenrc = (session: Session): void =>
  download(openrcName(session), openrcText(session));

export const downloadClouds = (session: Session): void =>
  download('clouds.yaml', cloudsText(session));

export const downloadText = download;
