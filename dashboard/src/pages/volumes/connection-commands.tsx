import type { ReactNode } from 'react';
import type { Volume } from '../../api/volumes.ts';
import { CopyText } from '../../components/copy-text.tsx';

/** Where a guest looks for the disk by its serial number: the first 20 characters of the id. */
const serialLength = 20;

/** Commands that use a volume at its NBD address, each to be copied with one click. */
export function ConnectionCommands(props: {
  readonly volume: Volume;
  readonly uri: string;
}): ReactNode {
  const { volume, uri } = props;
  const serial = volume.id.slice(0, serialLength);
  return (
    <>
      <CopyText label="NBD address" text={uri} />
      <CopyText label="qemu-system" text={qemuText(uri, serial)} />
      <CopyText label="libvirt XML" text={libvirtText(uri, serial)} />
      <CopyText label="nbdcopy: the whole disk to a file" text={`nbdcopy '${uri}' disk.raw`} />
      <CopyText label="nbdcopy: a file onto the disk" text={`nbdcopy disk.raw '${uri}'`} />
    </>
  );
}

function qemuText(uri: string, serial: string): string {
  return [
    'qemu-system-x86_64 -enable-kvm -m 2048 \\',
    `  -drive 'file=${uri},format=raw,if=none,id=disk,cache=none,discard=unmap' \\`,
    `  -device virtio-blk-pci,drive=disk,serial=${serial}`,
  ].join('\n');
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll("'", '&apos;').replaceAll('<', '&lt;');

function libvirtText(uri: string, serial: string): string {
  const url = new URL(uri.replace(/^nbds?(\+unix)?:/, 'http:'));
  const name = escaped(decodeURIComponent(url.pathname.slice(1)));
  const socket = url.searchParams.get('socket');
  const host =
    socket === null
      ? `<host name='${url.hostname}' port='${url.port === '' ? '10809' : url.port}'/>`
      : `<host transport='unix' socket='${escaped(socket)}'/>`;
  const tls = uri.startsWith('nbds:') ? " tls='yes'" : '';
  return [
    "<disk type='network' device='disk'>",
    "  <driver name='qemu' type='raw' cache='none' discard='unmap'/>",
    `  <source protocol='nbd' name='${name}'${tls}>`,
    `    ${host}`,
    '  </source>',
    "  <target dev='vda' bus='virtio'/>",
    `  <serial>${serial}</serial>`,
    '</disk>',
  ].join('\n');
}
