/**
 * Loaded before anything else (`--import`), in every thread: takes native functions away, as
 * `FIRN_TEST_NATIVE` says. `missing`: the package that calls them is not there. `lacking`: it knows
 * none of them. `wrong`: those of OpenSSL and zstd say that they did what they were asked for, and
 * did nothing.
 */
import { createRequire, registerHooks } from 'node:module';
import type * as Koffi from 'koffi';

const mode = process.env['FIRN_TEST_NATIVE'];
const own = new URL('./broken-koffi.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'koffi' || context.parentURL === import.meta.url) {
      return next(specifier, context);
    }
    if (mode === 'missing') throw new Error('the package koffi is not there');
    return { url: own, format: 'module-typescript', shortCircuit: true };
  },
});

type Func = (name: string, ...rest: unknown[]) => unknown;

/** The package as it is, but for what the mode takes away. */
export function brokenKoffi(): typeof Koffi {
  const koffi: typeof Koffi = createRequire(import.meta.url)('koffi');
  const load = (path: string | null): Koffi.LibraryHandle => {
    const library = koffi.load(path);
    const bind = library.func.bind(library);
    const func: Func = (name, ...rest) => {
      if (mode === 'lacking') throw new Error(`there is no ${name}`);
      const isBroken = /^(EVP_Cipher|sha256|ZSTD_compress|ZSTD_decompress)/.test(name);
      return isBroken ? () => 1 : Reflect.apply(bind, library, [name, ...rest]);
    };
    return new Proxy(library, {
      get: (target, key): unknown => (key === 'func' ? func : Reflect.get(target, key)),
    });
  };
  return new Proxy(koffi, {
    get: (target, key): unknown => (key === 'load' ? load : Reflect.get(target, key)),
  });
}
