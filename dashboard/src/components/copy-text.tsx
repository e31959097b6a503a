import { Button, Code, Group } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { type ReactNode, useRef, useState } from 'react';

const shownMs = 2000;

/** A text to take elsewhere, with a button that copies it. */
export function CopyText(props: { readonly label: string; readonly text: string }): ReactNode {
  const { label, text } = props;
  const [isCopied, setCopied] = useState(false);
  const code = useRef<HTMLPreElement>(null);
  const copy = async (): Promise<void> => {
    // Only there over TLS and on this machine; elsewhere the text is selected, for Ctrl-C.
    if ('clipboard' in navigator) await navigator.clipboard.writeText(text);
    else if (code.current !== null) getSelection()?.selectAllChildren(code.current);
    setCopied(true);
    setTimeout(() => setCopied(false), shownMs);
  };
  return (
    <div className="copy-text">
      <Group justify="space-between" gap="xs">
        <span>{label}</span>
        <Button
          size="compact-sm"
          variant="default"
          aria-label={`Copy ${label}`}
          leftSection={isCopied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          onClick={() => void copy()}
        >
          {isCopied ? 'Copied' : 'Copy'}
        </Button>
      </Group>
      <Code block ref={code} tabIndex={0} aria-label={label}>
        {text}
      </Code>
    </div>
  );
}
