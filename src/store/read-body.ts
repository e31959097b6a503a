import { OperatingError } from '../base/errors.ts';

/**
 * Reads the body of an answer that says it has `lengthBytes`. Rejects with `io` when it ends early,
 * and stops reading when it is longer.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  lengthBytes: number,
  subject: string,
): Promise<Uint8Array> {
  const target = Buffer.allocUnsafeSlow(lengthBytes);
  let done = 0;
  for await (const chunk of body) {
    if (done + chunk.length > lengthBytes) {
      throw new OperatingError('io', `the server sent more of ${subject} than it said`);
    }
    target.set(chunk, done);
    done += chunk.length;
  }
  if (done === lengthBytes) return target;
  throw new OperatingError('io', `the connection ended in the middle of ${subject}`);
}
