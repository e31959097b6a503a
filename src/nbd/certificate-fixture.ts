/** X.509 certificates for tests, made here (RFC 5280; ECDSA on P-256) so that none lies about. */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { systemClock } from '../base/clock.ts';

export interface Certified {
  readonly subject: string;
  readonly certificate: string;
  readonly key: string;
  readonly keyObject: KeyObject;
}

export interface CertificateWish {
  readonly subject: string;
  /** Who signs; without it the certificate signs itself. */
  readonly by?: Certified;
  readonly authority?: boolean;
  /** DNS names and IPv4 addresses. */
  readonly hosts?: readonly string[];
  readonly use?: 'server' | 'client';
  /** Days from now. */
  readonly fromDay?: number;
  readonly toDay?: number;
}

const dayMs = 86_400_000;
const ecdsaWithSha256 = der(0x30, oid('2a8648ce3d040302'));

export function makeCertificate(wish: CertificateWish): Certified {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { by } = wish;
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    name(by?.subject ?? wish.subject),
    der(0x30, time(wish.fromDay ?? -1), time(wish.toDay ?? 30)),
    name(wish.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions(wish))),
  );
  const signature = sign('sha256', body, by?.keyObject ?? privateKey);
  const certificate = der(0x30, body, ecdsaWithSha256, der(0x03, Buffer.of(0), signature));
  return {
    subject: wish.subject,
    certificate: pem(certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keyObject: privateKey,
  };
}

/** An authority, and a server of this machine and a client that it has signed for. */
export function makeCertificates(): Record<'authority' | 'server' | 'client', Certified> {
  const authority = makeCertificate({ subject: 'authority', authority: true });
  const hosts = ['localhost', '127.0.0.1'];
  return {
    authority,
    server: makeCertificate({ subject: 'server', by: authority, hosts, use: 'server' }),
    client: makeCertificate({ subject: 'client', by: authority, use: 'client' }),
  };
}

function extensions(wish: CertificateWish): Buffer[] {
  const yes = der(0x01, Buffer.of(0xff));
  const isAuthority = wish.authority === true;
  const list = [
    extension('551d13', true, der(0x30, ...(isAuthority ? [yes] : []))),
    extension('551d0f', true, der(0x03, Buffer.of(...(isAuthority ? [1, 0x06] : [5, 0xa0])))),
  ];
  if (wish.hosts !== undefined) {
    const names = wish.hosts.map((host) =>
      isIP(host) === 4
        ? der(0x87, Buffer.from(host.split('.').map(Number)))
        : der(0x82, Buffer.from(host)),
    );
    list.push(extension('551d11', false, der(0x30, ...names)));
  }
  if (wish.use !== undefined) {
    const purpose = wish.use === 'server' ? '2b06010505070301' : '2b06010505070302';
    list.push(extension('551d25', false, der(0x30, oid(purpose))));
  }
  return list;
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const mark = critical ? [der(0x01, Buffer.of(0xff))] : [];
  return der(0x30, oid(id), ...mark, der(0x04, value));
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function name(common: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from(common)))));
}

function time(day: number): Buffer {
  const text = new Date(systemClock.now() + day * dayMs).toISOString().replaceAll(/[-:T]/g, '');
  return der(0x17, Buffer.from(`${text.slice(2, 14)}Z`));
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').replaceAll(/(.{64})/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
}
