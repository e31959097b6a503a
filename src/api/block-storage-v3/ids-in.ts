/** Ids in one text with commas between them, as requests about groups have them. */
export function idsIn(text: string | null | undefined): string[] {
  const ids = (text ?? '').split(',').map((id) => id.trim());
  return ids.filter((id) => id !== '');
}
