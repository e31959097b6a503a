import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import type { Caller } from './caller.ts';
import { authorize, policy, type Action } from './policy.ts';

function callerWith(roles: readonly string[]): Caller {
  const [userId, userName, projectId, projectName] = ['u', 'user', 'p', 'project'];
  return { userId, userName, projectId, projectName, roles, requestId: 'req-1' };
}

const allowed: Record<string, readonly string[]> = {
  reader: ['reader', 'member', 'admin'],
  member: ['member', 'admin'],
  admin: ['admin'],
};

describe('the policy', () => {
  for (const [action, role] of Object.entries(policy) as [Action, string][]) {
    it(`lets ${role} and above do ${action}, and nobody else`, () => {
      for (const name of ['reader', 'member', 'admin', 'other']) {
        const may = allowed[role]?.includes(name) === true;
        const attempt = (): void => authorize(callerWith(['other', name]), action);
        if (may) attempt();
        else assert.throws(attempt, { message: `Policy doesn't allow ${action} to be performed.` });
      }
      assert.throws(
        () => authorize(callerWith([]), action),
        (error) => isOperatingError(error, 'forbidden'),
      );
    });
  }

  it('lets a reader change nothing', () => {
    const changing =
      /create|update|delete|restore|extend$|revert|reset|attach$|import|adopt|remove/;
    for (const [action, role] of Object.entries(policy)) {
      if (changing.test(action)) assert.notEqual(role, 'reader', action);
    }
  });
});
