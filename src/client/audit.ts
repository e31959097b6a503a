/** The audit trail over HTTP. */
import { Type, type Static } from 'typebox';
import { isJsonObject } from '../base/json.ts';
import { readAnswer } from './answer.ts';
import type { Session } from './session.ts';

const Text = Type.Union([Type.String(), Type.Null()]);

/** A change, or what would have been one: who asked for what, from where, with which outcome. */
export const AuditLine = Type.Object({
  id: Type.String(),
  created_at: Type.String(),
  request_id: Type.String(),
  user_id: Text,
  user_name: Text,
  project_id: Text,
  address: Type.String(),
  path: Type.String(),
  action: Type.String(),
  resource_type: Text,
  resource_id: Text,
  status_code: Type.Integer(),
});
export type AuditLine = Static<typeof AuditLine>;

/**
 * The newest lines first, page by page: of the session's project, and to an administrator those of
 * all. `filters` are those of `GET /firn/v1/audit`.
 */
export async function* auditLines(
  session: Session,
  filters: Readonly<Record<string, string>>,
): AsyncGenerator<AuditLine, void> {
  for (let marker: Record<string, string> | undefined = {}; marker !== undefined;) {
    const query = { ...filters, ...marker };
    const answer = await session.call({ service: 'firn', method: 'GET', path: '/audit', query });
    const { audit, next_marker: next } = isJsonObject(answer) ? answer : {};
    yield* readAnswer(Type.Array(AuditLine), audit);
    marker = typeof next === 'string' ? { marker: next } : undefined;
  }
}
