/** The marker of the next page, when this one is full. */
export function nextMarker(list: { limit: number }, rows: readonly { id: string }[]): object {
  const last = rows.at(-1);
  return last === undefined || rows.length < list.limit ? {} : { next_marker: last.id };
}
