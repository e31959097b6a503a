import type { BlockDevice } from '../volume/block-device.ts';

/** What lies on a disk or in a partition, by what its first bytes say. */
export type ContentKind =
  | 'ext'
  | 'xfs'
  | 'btrfs'
  | 'fat'
  | 'ntfs'
  | 'swap'
  | 'lvm'
  | 'luks'
  | 'empty'
  | 'unknown';

/** Where each kind has which bytes, as its own documentation says. */
const signatures: readonly { kind: ContentKind; offset: number; bytes: string }[] = [
  { kind: 'luks', offset: 0, bytes: 'LUKS\u00ba\u00be' },
  { kind: 'xfs', offset: 0, bytes: 'XFSB' },
  { kind: 'ext', offset: 1080, bytes: '\u0053\u00ef' },
  { kind: 'btrfs', offset: 0x1_0040, bytes: '_BHRfS_M' },
  { kind: 'ntfs', offset: 3, bytes: 'NTFS    ' },
  { kind: 'fat', offset: 82, bytes: 'FAT32   ' },
  { kind: 'fat', offset: 54, bytes: 'FAT16   ' },
  { kind: 'fat', offset: 54, bytes: 'FAT12   ' },
  { kind: 'swap', offset: 4086, bytes: 'SWAPSPACE2' },
  { kind: 'lvm', offset: 512, bytes: 'LABELONE' },
];
const headBytes = 128 * 1024;

export async function contentOf(
  device: BlockDevice,
  { offsetBytes, lengthBytes }: { offsetBytes: number; lengthBytes: number },
): Promise<ContentKind> {
  const head = Buffer.alloc(Math.min(headBytes, lengthBytes));
  await device.read(offsetBytes, head);
  const text = head.toString('latin1');
  const found = signatures.find(({ offset, bytes }) => text.startsWith(bytes, offset));
  if (found !== undefined) return found.kind;
  return head.every((byte) => byte === 0) ? 'empty' : 'unknown';
}
