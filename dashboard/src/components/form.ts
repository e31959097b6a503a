/** The fields of one form: their values, what is wrong with them, and their inputs' properties. */
import { type ChangeEvent, useCallback, useState } from 'react';

type Values = Readonly<Record<string, string | boolean>>;

export type Problems<V> = { readonly [K in keyof V]?: string | undefined };

export interface TextProps {
  readonly value: string;
  readonly onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => void;
  readonly error?: string;
  readonly name: string;
}

export interface ChoiceProps {
  readonly value: string;
  readonly onChange: (event: ChangeEvent<HTMLSelectElement>) => void;
  readonly error?: string;
  readonly name: string;
}

export interface Form<V extends Values> {
  readonly values: V;
  readonly set: (changes: Partial<V>) => void;
  readonly text: (name: keyof V & string) => TextProps;
  readonly choice: (name: keyof V & string) => ChoiceProps;
  readonly box: (name: keyof V & string) => {
    readonly checked: boolean;
    readonly onChange: (event: ChangeEvent<HTMLInputElement>) => void;
    readonly name: string;
  };
  /** False when something is wrong; it is shown then, and the first such field has the focus. */
  readonly check: () => boolean;
}

export function useForm<V extends Values>(
  initial: V,
  validate: (values: V) => Problems<V> = () => ({}),
): Form<V> {
  const [values, setValues] = useState(initial);
  const [isChecked, setChecked] = useState(false);
  const problems = validate(values);
  const set = useCallback(
    (changes: Partial<V>) => setValues((before) => ({ ...before, ...changes })),
    [],
  );
  const put = (name: keyof V & string, value: string | boolean): void =>
    setValues((before) => ({ ...before, [name]: value }));
  const shown = (name: keyof V & string): { error?: string } => {
    const problem = isChecked ? problems[name] : undefined;
    return problem === undefined ? {} : { error: problem };
  };
  const field = (
    name: keyof V & string,
  ): {
    value: string;
    onChange: (event: { currentTarget: { value: string } }) => void;
    error?: string;
    name: string;
  } => ({
    name,
    value: String(values[name]),
    onChange: (event) => put(name, event.currentTarget.value),
    ...shown(name),
  });
  return {
    values,
    set,
    text: field,
    choice: field,
    box: (name) => ({
      name,
      checked: values[name] === true,
      onChange: (event) => put(name, event.currentTarget.checked),
    }),
    check() {
      const wrong = Object.entries(problems).find(([, problem]) => problem !== undefined);
      setChecked(true);
      if (wrong === undefined) return true;
      document.querySelector<HTMLElement>(`[role=dialog] [name="${wrong[0]}"]`)?.focus();
      return false;
    },
  };
}

/** Cinder's limit for names and descriptions. */
export const textLengthMax = 255;

/** `required` for a text that has to be there. */
export function nameProblem(text: string, options: { required: boolean }): string | undefined {
  if (options.required && text.trim() === '') return 'This field is required.';
  if (text.length > textLengthMax) {
    return `At most ${textLengthMax} characters; this has ${text.length}.`;
  }
  return undefined;
}

/** A whole number of at least `min`. */
export function wholeProblem(text: string, min = 1): string | undefined {
  if (text.trim() === '') return 'This field is required.';
  if (!/^\d{1,9}$/.test(text.trim())) return 'Enter a whole number.';
  return Number(text) < min ? `The value must be at least ${min}.` : undefined;
}
