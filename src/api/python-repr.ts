const charsMax = 400;

/** A JSON value as Python's `str` writes it, cut after a few hundred characters. */
export function pythonText(value: unknown): string {
  return typeof value === 'string' ? cut(value) : pythonRepr(value);
}

/** A JSON value as Python's `repr` writes it, cut after a few hundred characters. */
export function pythonRepr(value: unknown): string {
  return cut(write(value, 0));
}

function cut(text: string): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}

function write(value: unknown, depth: number): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quote(value.slice(0, charsMax + 1));
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return typeof value;
  if (depth > 4) return '…';
  if (Array.isArray(value)) {
    return `[${value
      .slice(0, charsMax)
      .map((item) => write(item, depth + 1))
      .join(', ')}]`;
  }
  const entries = Object.entries(value).slice(0, charsMax);
  return `{${entries.map(([key, item]) => `${quote(key)}: ${write(item, depth + 1)}`).join(', ')}}`;
}

/** Single quotes unless the text has some and no double ones, as Python chooses. */
function quote(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  if (escaped.includes("'") && !escaped.includes('"')) return `"${escaped}"`;
  return `'${escaped.replaceAll("'", "\\'")}'`;
}
