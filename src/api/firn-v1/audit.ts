/** The audit trail. */
import type { FastifyInstance } from 'fastify';
import { isoMicros } from '../../base/clock.ts';
import type { AuditRow } from '../../catalog/identity-tables.ts';
import { listAudit } from '../../operation/audit/list-audit.ts';
import type { Reading } from '../../operation/needs.ts';
import { defined, parseWhole, readList, type ListFace } from '../block-storage-v3/list-query.ts';
import { nextMarker } from './next-marker.ts';

const auditList: ListFace<'audit'> = {
  filters: {
    action: (action) => ({ action }),
    request_id: (requestId) => ({ requestId }),
    resource_id: (resourceId) => ({ resourceId }),
    resource_type: (resourceType) => ({ resourceType }),
    status_code: (text) => defined('statusCode', parseWhole(text)),
    user_id: (userId) => ({ userId }),
  },
  sortFields: { created_at: 'createdAt' },
};

export function auditRoutes(app: FastifyInstance, operations: Reading): void {
  app.get('/audit', async (request) => {
    const list = readList(request, auditList);
    const ofProject = list.query['project_id'];
    const { rows } = await listAudit(operations, request.caller, {
      ...list,
      ...(ofProject === undefined ? {} : { ofProject }),
    });
    return { audit: rows.map(auditView), ...nextMarker(list, rows) };
  });
}

function auditView(row: AuditRow): object {
  return {
    id: row.id,
    created_at: isoMicros(row.createdAt),
    request_id: row.requestId,
    user_id: row.userId,
    user_name: row.userName,
    project_id: row.projectId === '' ? null : row.projectId,
    address: row.address,
    path: row.path,
    action: row.action,
    resource_type: row.resourceType,
    resource_id: row.resourceId,
    status_code: row.statusCode,
  };
}
