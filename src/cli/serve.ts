import type { Command } from 'commander';
import type { AddCommand } from './context.ts';

/** `firn serve`: flags win over the environment. */
export const serve: AddCommand = (parent, context) => {
  parent
    .command('serve')
    .description('run the service in the foreground; --data names its folder (FIRN_DATA)')
    .option('--listen <HOST:PORT>', 'where the HTTP APIs are (FIRN_LISTEN)')
    .option('--nbd <HOST:PORT>', 'where NBD is on TCP (FIRN_NBD)')
    .option('--nbd-socket <PATH>', 'where NBD is on a unix socket (FIRN_NBD_SOCKET)')
    .option('--nbd-public <HOST:PORT>', 'how clients reach NBD on TCP (FIRN_NBD_PUBLIC)')
    .option('--nbd-tls-cert <FILE>', 'require TLS for NBD on TCP (FIRN_NBD_TLS_CERT)')
    .option('--nbd-tls-key <FILE>', 'the key of the certificate (FIRN_NBD_TLS_KEY)')
    .option('--nbd-tls-client-ca <FILE>', 'who signs for NBD clients (FIRN_NBD_TLS_CLIENT_CA)')
    .option('--nbd-insecure', 'NBD beyond this machine without TLS (FIRN_NBD_INSECURE=true)')
    .option('--store <URL>', 'secondary storage, such as file:///srv/backups (FIRN_STORE)')
    .option('--key-file <PATH>', 'the key of the backups (FIRN_KEY_FILE)')
    .option('--public-url <URL>', 'how clients reach the HTTP APIs (FIRN_PUBLIC_URL)')
    .option('--log-level <LEVEL>', 'silent, error, warn, info or debug (FIRN_LOG)')
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<Readonly<Record<string, string | undefined>>>();
      const { environment } = context;
      const { nbdInsecure: insecure } = command.opts<{ nbdInsecure?: boolean }>();
      await context.serve({
        data: flags['data'] ?? environment['FIRN_DATA'],
        listen: flags['listen'] ?? environment['FIRN_LISTEN'],
        nbd: flags['nbd'] ?? environment['FIRN_NBD'],
        nbdSocket: flags['nbdSocket'] ?? environment['FIRN_NBD_SOCKET'],
        nbdPublic: flags['nbdPublic'] ?? environment['FIRN_NBD_PUBLIC'],
        nbdTlsCert: flags['nbdTlsCert'] ?? environment['FIRN_NBD_TLS_CERT'],
        nbdTlsKey: flags['nbdTlsKey'] ?? environment['FIRN_NBD_TLS_KEY'],
        nbdTlsClientCa: flags['nbdTlsClientCa'] ?? environment['FIRN_NBD_TLS_CLIENT_CA'],
        nbdInsecure: insecure === true ? 'true' : environment['FIRN_NBD_INSECURE'],
        store: flags['store'] ?? environment['FIRN_STORE'],
        keyFile: flags['keyFile'] ?? environment['FIRN_KEY_FILE'],
        publicUrl: flags['publicUrl'] ?? environment['FIRN_PUBLIC_URL'],
        logLevel: flags['logLevel'] ?? environment['FIRN_LOG'],
      });
    });
};
