import { ActionIcon, Button, Group, Text, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { type ReactNode, useRef, useState } from 'react';
import { replaceMetadata } from '../api/volumes.ts';
import { useDialogs } from './dialogs.tsx';
import { nameProblem } from './form.ts';
import { FormDialog } from './form-dialog.tsx';
import { toastUndo } from './undo-toast.tsx';

interface MetadataDialogProps {
  readonly kind: 'volumes' | 'snapshots';
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly number: number;
  readonly key: string;
  readonly value: string;
}

/** Set by the server itself, which refuses it from clients. */
const ownKeys: readonly string[] = ['readonly'];

function keyProblem(entry: Entry, entries: readonly Entry[]): string | undefined {
  if (entries.some((other) => other !== entry && other.key === entry.key)) return 'Used twice.';
  return nameProblem(entry.key, { required: true });
}

export function MetadataDialog({ kind, id, name, metadata }: MetadataDialogProps): ReactNode {
  const { close } = useDialogs();
  const [entries, setEntries] = useState<readonly Entry[]>(() =>
    Object.entries(metadata)
      .filter(([key]) => !ownKeys.includes(key))
      .map(([key, value], number) => ({ number, key, value })),
  );
  const [isChecked, setChecked] = useState(false);
  const next = useRef(entries.length);
  const change = (number: number, changes: Partial<Entry>): void =>
    setEntries((before) =>
      before.map((entry) => (entry.number === number ? { ...entry, ...changes } : entry)),
    );
  const add = (): void => {
    next.current += 1;
    setEntries((before) => [...before, { number: next.current, key: '', value: '' }]);
  };
  return (
    <FormDialog
      title="Update Metadata"
      submitLabel="Save"
      failure="Unable to update the metadata."
      check={() => {
        setChecked(true);
        return entries.every((entry) => keyProblem(entry, entries) === undefined);
      }}
      submit={async () => {
        const pairs = entries.map(({ key, value }) => [key, value]);
        await replaceMetadata(kind, id, Object.fromEntries(pairs));
        close();
        const own = Object.entries(metadata).filter(([key]) => !ownKeys.includes(key));
        const before = Object.fromEntries(own);
        toastUndo(`Metadata of "${name}" updated.`, () => replaceMetadata(kind, id, before));
      }}
    >
      <Text size="sm" c="dimmed">
        Keys and values that say what “{name}” is for.
      </Text>
      {entries.map((entry) => (
        <EntryRow
          key={entry.number}
          entry={entry}
          problem={isChecked ? keyProblem(entry, entries) : undefined}
          onChange={(changes) => change(entry.number, changes)}
          onRemove={() => setEntries((all) => all.filter((other) => other !== entry))}
        />
      ))}
      <div>
        <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={add}>
          Add Entry
        </Button>
      </div>
    </FormDialog>
  );
}

interface EntryRowProps {
  readonly entry: Entry;
  readonly problem: string | undefined;
  readonly onChange: (changes: Partial<Entry>) => void;
  readonly onRemove: () => void;
}

function EntryRow({ entry, problem, onChange, onRemove }: EntryRowProps): ReactNode {
  return (
    <Group align="start" wrap="nowrap" gap="xs">
      <TextInput
        aria-label="Key"
        placeholder="key"
        value={entry.key}
        onChange={(event) => onChange({ key: event.currentTarget.value })}
        {...(problem === undefined ? {} : { error: problem })}
      />
      <TextInput
        className="metadata-value"
        aria-label={`Value of ${entry.key}`}
        placeholder="value"
        value={entry.value}
        onChange={(event) => onChange({ value: event.currentTarget.value })}
      />
      <ActionIcon variant="default" size={36} aria-label={`Remove ${entry.key}`} onClick={onRemove}>
        <IconTrash size={16} aria-hidden />
      </ActionIcon>
    </Group>
  );
}
