import type { AuditLine } from '../client/audit.ts';
import type { AddCommand } from './context.ts';
import { parseCount } from './options.ts';
import { type Columns, printList } from './print.ts';

const columns: Columns<AuditLine> = {
  at: (line) => line.created_at.slice(0, 19),
  who: (line) => line.user_name ?? line.user_id,
  from: (line) => line.address,
  did: (line) => line.action,
  to: (line) => line.resource_id ?? line.path,
  answer: (line) => line.status_code,
  request: (line) => line.request_id,
};

interface Options {
  readonly limit: number;
  readonly user?: string;
  readonly resource?: string;
  readonly request?: string;
}

export const auditList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .description('list who changed what, the newest first; administrators see all projects')
    .option('--limit <count>', 'at most so many lines', parseCount, 100)
    .option('--user <id>', 'of this user')
    .option('--resource <id>', 'about this volume, snapshot, backup or other object')
    .option('--request <id>', 'of this request')
    .action(async (options: Options, command) => {
      const { limit, user, resource, request } = options;
      const client = await context.connect(command);
      const lines = client.audit({
        limit: String(Math.min(limit, 1000)),
        ...(user === undefined ? {} : { user_id: user }),
        ...(resource === undefined ? {} : { resource_id: resource }),
        ...(request === undefined ? {} : { request_id: request }),
      });
      const found: AuditLine[] = [];
      for await (const line of lines) {
        found.push(line);
        if (found.length === limit) break;
      }
      printList(context, command, columns, found);
    });
};
