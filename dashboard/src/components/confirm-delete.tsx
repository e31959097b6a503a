import { Code, List, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useDialogs } from './dialogs.tsx';
import { FormDialog } from './form-dialog.tsx';
import { toastError } from './toasts.ts';

/** Rows named one by one; more of them are counted. */
const namedMax = 12;

export interface Doomed {
  readonly id: string;
  readonly name: string;
}

interface ConfirmProps {
  /** The verb and the thing: `Delete Volumes`. */
  readonly label: string;
  readonly rows: readonly Doomed[];
  readonly help: ReactNode;
  readonly remove: (id: string) => Promise<void>;
  /** Told of the names whose removal was accepted. */
  readonly onDone: (names: readonly string[]) => void;
}

/** Asks before something is destroyed, and names it; then removes the rows one by one. */
export function ConfirmDelete({ label, rows, help, remove, onDone }: ConfirmProps): ReactNode {
  const { close } = useDialogs();
  const submit = async (): Promise<void> => {
    const done: string[] = [];
    const failed: { name: string; error: unknown }[] = [];
    for (const { id, name } of rows) {
      try {
        await remove(id);
        done.push(name);
      } catch (error) {
        failed.push({ name, error });
      }
    }
    const [first] = failed;
    if (first !== undefined && rows.length === 1) throw first.error;
    close();
    if (done.length > 0) onDone(done);
    for (const { name, error } of failed) toastError(`${label} failed: ${name}`, error);
  };
  return (
    <FormDialog
      title={`Confirm ${label}`}
      submitLabel={label}
      isDangerous
      failure={`${label} failed.`}
      submit={submit}
    >
      <Text>
        You have selected:{' '}
        {rows.length === 1 ? <b className="any-break">“{rows[0]?.name}”</b> : null}
      </Text>
      {rows.length > 1 && <DoomedList rows={rows} />}
      <Text>Please confirm your selection. {help}</Text>
    </FormDialog>
  );
}

function DoomedList({ rows }: { rows: readonly Doomed[] }): ReactNode {
  const others = rows.length - namedMax;
  return (
    <List my="xs">
      {rows.slice(0, namedMax).map(({ id, name }) => (
        <List.Item key={id}>
          <Code className="any-break">{name}</Code>
        </List.Item>
      ))}
      {others > 0 && <List.Item>and {others} more</List.Item>}
    </List>
  );
}
