import { createHash } from 'node:crypto';
import { messageOf, OperatingError } from '../base/errors.ts';
import { isJsonObject, type JsonValue } from '../base/json.ts';
import type { ConfiguredWebhook } from '../webhook/outbox.ts';
import { isWebhookSecret } from '../webhook/signature.ts';
import { checkUrl } from '../webhook/webhooks.ts';

const known = ['url', 'secret', 'events'];

/** A list of `url`, `secret` and, if it is not for all, `events`. */
export function readWebhooks(given: JsonValue, label: string): readonly ConfiguredWebhook[] {
  if (given === '') return [];
  if (!Array.isArray(given)) throw wrong(label, 'is a list; write "- url: https://…" below it');
  return given.map((each, index) => readWebhook(each, `${label}[${index + 1}]`));
}

function readWebhook(given: JsonValue, label: string): ConfiguredWebhook {
  if (!isJsonObject(given)) throw wrong(label, 'wants url and secret');
  const odd = Object.keys(given).find((key) => !known.includes(key));
  if (odd !== undefined) throw wrong(label, `has no ${odd}; it has ${known.join(', ')}`);
  const { url, secret, events = [] } = given;
  if (typeof url !== 'string') throw wrong(label, 'wants a url');
  try {
    checkUrl(url);
  } catch (error) {
    throw wrong(label, messageOf(error));
  }
  if (typeof secret !== 'string' || !isWebhookSecret(secret)) {
    const how = 'echo "whsec_$(head -c 32 /dev/urandom | base64)" makes one';
    throw wrong(label, `wants a secret, whsec_ and 24 to 64 bytes in base64; ${how}`);
  }
  if (!Array.isArray(events) || !events.every((name) => typeof name === 'string')) {
    throw wrong(label, 'has events as a list of names, such as [backup, plan_run]');
  }
  const id = `configured:${createHash('sha256').update(url).digest('hex').slice(0, 16)}`;
  return { id, url, secret, events };
}

function wrong(label: string, why: string): OperatingError {
  return new OperatingError('invalid_input', `${label} ${why}`, { field: label });
}
