/**
 * The login of browsers: a cookie that scripts cannot read holds the token.
 *
 * Other sites can make a browser send requests, so a request that is let in by the cookie and may
 * change something must carry a header that they cannot add without asking first (CORS is off), and
 * must not say that it comes from elsewhere.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OperatingError } from '../base/errors.ts';

export const cookieName = 'firn-session';
export const intentHeader = 'x-firn-request';

const harmless = new Set(['GET', 'HEAD']);

/** The token in the request's cookie, if there is one. */
export function sessionToken(request: FastifyRequest): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === cookieName && value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** Rejects with `forbidden` a request that another site may have made the browser send. */
export function refuseForged(request: FastifyRequest, publicUrl: string): void {
  if (harmless.has(request.method)) return;
  if (request.headers[intentHeader] === undefined) {
    throw new OperatingError('forbidden', `A session needs the header X-Firn-Request here.`);
  }
  const { origin, host } = request.headers;
  if (origin === undefined || origin === new URL(publicUrl).origin) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new OperatingError('forbidden', 'A session cannot be used from another site.');
}

/** Gives the browser the token, which it forgets after `lifetimeMs`. */
export function setSession(
  reply: FastifyReply,
  session: { token: string; lifetimeMs: number; publicUrl: string },
): void {
  const seconds = Math.max(0, Math.floor(session.lifetimeMs / 1000));
  setCookie(reply, session.token, seconds, session.publicUrl);
}

export function clearSession(reply: FastifyReply, publicUrl: string): void {
  setCookie(reply, '', 0, publicUrl);
}

function setCookie(reply: FastifyReply, value: string, seconds: number, publicUrl: string): void {
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  const limits = `Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
  reply.header('set-cookie', `${cookieName}=${value}; ${limits}`);
}
