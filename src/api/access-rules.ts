/**
 * Access rules of application credentials: which requests a token is good for (Keystone,
 * "Application Credentials", access rules). A rule names a service by its type, a method, and a
 * path below the service's own: `*` and `{name}` stand for one part of it, `**` for any number.
 */
import type { AccessRule, TokenFacts } from '../identity/identity.ts';

const serviceTypes: ReadonlyMap<string, readonly string[]> = new Map([
  ['volume', ['volumev3', 'block-storage', 'volume', 'block-store']],
  ['identity', ['identity']],
  ['image', ['image']],
  ['firn', ['firn']],
]);

/** Whether the token may be used for a request; `path` is without the query string. */
export function meetsAccessRules(facts: TokenFacts, method: string, path: string): boolean {
  const rules = facts.applicationCredential?.accessRules ?? [];
  if (rules.length === 0) return true;
  const [, face = '', rest = ''] = /^\/([^/]*)(.*)$/.exec(path) ?? [];
  const types = serviceTypes.get(face) ?? [];
  return rules.some(
    (rule) =>
      types.includes(rule.service) &&
      (rule.method === method || (rule.method === 'GET' && method === 'HEAD')) &&
      pathPattern(rule, facts).test(rest),
  );
}

function pathPattern({ path }: AccessRule, { project, user }: TokenFacts): RegExp {
  const known: ReadonlyMap<string, string> = new Map([
    ['{project_id}', project?.id ?? ''],
    ['{user_id}', user.id],
  ]);
  const parts = path.split('/').map((part) => {
    if (part === '**') return '.*';
    const value = known.get(part);
    if (value !== undefined) return quoted(value);
    return /^\{\w+\}$/.test(part) ? '[^/]+' : part.split('*').map(quoted).join('[^/]+');
  });
  return new RegExp(`^${parts.join('/')}/?$`);
}

function quoted(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
