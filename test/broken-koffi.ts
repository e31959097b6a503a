/** What `require('koffi')` gets instead of the package: see `native-calls.ts`. */
import { brokenKoffi } from './native-calls.ts';

const broken = brokenKoffi();
export { broken as 'module.exports' };
