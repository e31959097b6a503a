/** `firn repository key …`: the keys that open the backups, without a running service. */
import { systemClock } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import { readHeader, readRepositoryId } from '../repository/header.ts';
import { decodeRecoveryCode } from '../repository/recovery-code.ts';
import {
  addPassphrase,
  addWrappingKey,
  keyIdOf,
  listWrappedKeys,
  removeWrappedKey,
} from '../repository/wrapped-keys.ts';
import { takeDataFolder } from '../server/data-folder.ts';
import { keyInEnvironment, readKey, readKeyFile, writeKeyFile } from '../server/key-file.ts';
import { rotateKey } from '../server/rotate-key.ts';
import type { AddCommand } from './context.ts';
import { passphraseOf, textOf } from './passphrase.ts';
import { type Columns, printList } from './print.ts';
import { recoverySheet } from './recovery-sheet.ts';
import {
  addPlaceOptions,
  forEachRepository,
  repositoriesIfThere,
  repositoryPlace,
} from './repository-place.ts';

interface ShownKey {
  readonly container: string;
  readonly id: string;
  readonly kind: string;
  /** True for the one of the key file. */
  readonly own: boolean;
}

const columns: Columns<ShownKey> = {
  container: ({ container }) => container,
  id: ({ id }) => id,
  kind: ({ kind }) => kind,
  'this key file': ({ own }) => (own ? 'yes' : ''),
};

export const repositoryKey: AddCommand = (parent, context) => {
  const group = parent.command('key').description('the keys that open the backups');
  for (const add of [list, exportSheet, importKey, rotate, addPassphraseCommand, remove]) {
    add(group, context);
  }
};

const list: AddCommand = (parent, context) => {
  const command = parent.command('list').description('list the keys of every repository');
  addPlaceOptions(command).action(async (_options, given) => {
    const { config, root } = await repositoryPlace(context, given);
    const own = await readKey(config.keyPath, context.environment, { create: false });
    const shown: ShownKey[] = [];
    await forEachRepository(root, undefined, async (container, store) => {
      const repositoryId = await readRepositoryId(store);
      const ownId = keyIdOf(own.key, repositoryId);
      for (const { keyId, kind } of await listWrappedKeys(store, repositoryId)) {
        shown.push({ container, id: keyId, kind, own: keyId === ownId });
      }
    });
    printList(context, given, columns, shown);
  });
};

const exportSheet: AddCommand = (parent, context) => {
  const command = parent
    .command('export')
    .description('print a recovery sheet: whoever has it and the store can read every backup');
  addPlaceOptions(command).action(async (_options, given) => {
    const { config, root } = await repositoryPlace(context, given);
    const { key } = await readKey(config.keyPath, context.environment, { create: false });
    const opens: string[] = [];
    await repositoriesIfThere(root, async (container, store) => {
      const repositoryId = await readRepositoryId(store);
      await readHeader(store, { wrappingKey: key });
      opens.push(`${container} (${repositoryId})`);
    });
    context.stdout.write(recoverySheet({ key, storeUrl: root.url, opens, now: systemClock.now() }));
  });
};

const importKey: AddCommand = (parent, context) => {
  const command = parent
    .command('import')
    .description('make the key file again, from a recovery sheet or with a passphrase')
    .argument('[file]', 'the sheet, or its four lines; - reads standard input')
    .option('--passphrase-file <PATH>', 'open the store with this passphrase instead; - reads it');
  addPlaceOptions(command).action(
    async (file: string | undefined, options: { passphraseFile?: string }, given) => {
      const { config, root } = await repositoryPlace(context, given);
      const { keyPath } = config;
      if ((file === undefined) === (options.passphraseFile === undefined)) {
        throw new OperatingError('invalid_input', 'name either a sheet or a --passphrase-file');
      }
      if (file !== undefined) {
        await writeKeyFile(keyPath, decodeRecoveryCode(await textOf(file)));
        context.stdout.write(`${keyPath} holds the key of the sheet.\n`);
        return;
      }
      const passphrase = await passphraseOf(context, options);
      const { key: wrappingKey } = await readKeyFile(keyPath, { create: true });
      const count = await forEachRepository(root, undefined, async (_container, store) => {
        await addWrappingKey(store, await readHeader(store, { passphrase }), wrappingKey);
      });
      context.stdout.write(`${keyPath} opens ${count} repositories now.\n`);
    },
  );
};

const rotate: AddCommand = (parent, context) => {
  const command = parent
    .command('rotate')
    .description('replace the key in the key file; Firn must not be running');
  addPlaceOptions(command).action(async (_options, given) => {
    const { config, root } = await repositoryPlace(context, given);
    if (keyInEnvironment(context.environment) !== undefined) {
      const message = 'the key comes from FIRN_KEY: write it to a key file to rotate it';
      throw new OperatingError('invalid_input', message);
    }
    const folder = await takeDataFolder(config.dataFolder);
    try {
      await rotateKey(config.keyPath, (work) =>
        forEachRepository(root, undefined, (_container, store) => work(store)),
      );
    } finally {
      folder.release();
    }
    context.stdout.write(`${config.keyPath} holds a new key: print a new recovery sheet.\n`);
  });
};

const addPassphraseCommand: AddCommand = (parent, context) => {
  const command = parent
    .command('add-passphrase')
    .description('let a passphrase open every repository too')
    .option('--passphrase-file <PATH>', 'holds it in its first line; - reads standard input')
    .option('--container <NAME>', 'this repository only');
  addPlaceOptions(command).action(
    async (options: { passphraseFile?: string; container?: string }, given) => {
      const { config, root } = await repositoryPlace(context, given);
      const { key } = await readKey(config.keyPath, context.environment, { create: false });
      const passphrase = await passphraseOf(context, options);
      await forEachRepository(root, options.container, async (container, store) => {
        const keys = await readHeader(store, { wrappingKey: key });
        const keyId = await addPassphrase(store, keys, passphrase);
        context.stdout.write(`${container}: the passphrase is key ${keyId}\n`);
      });
    },
  );
};

const remove: AddCommand = (parent, context) => {
  const command = parent
    .command('remove')
    .description('take a key away from a repository: it opens it no longer')
    .argument('<id>', 'the id of the key, from `firn repository key list`')
    .requiredOption('--container <NAME>', 'of which repository');
  addPlaceOptions(command).action(async (keyId: string, options: { container: string }, given) => {
    const { config, root } = await repositoryPlace(context, given);
    const { key } = await readKey(config.keyPath, context.environment, { create: false });
    await forEachRepository(root, options.container, async (_container, store) => {
      const { repositoryId } = await readHeader(store, { wrappingKey: key });
      if (keyIdOf(key, repositoryId) === keyId) {
        const message = 'this is the key of the key file itself: rotate it instead';
        throw new OperatingError('conflict', message);
      }
      await removeWrappedKey(store, repositoryId, keyId);
    });
  });
};
