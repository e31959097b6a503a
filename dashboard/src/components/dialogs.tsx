/**
 * One dialog at a time, over whatever page is open. The provider stands within the router and the
 * session, so that dialogs have both.
 */
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useMemo,
  useRef,
  useState,
} from 'react';
import { clearToasts } from './toasts.ts';

interface Dialogs {
  /** Shows a dialog in place of the one that is open; the toasts go. */
  readonly open: (dialog: ReactNode) => void;
  readonly close: () => void;
}

const DialogContext = createContext<Dialogs | undefined>(undefined);

export function DialogProvider({ children }: { children: ReactNode }): ReactNode {
  const [dialog, setDialog] = useState<{ key: number; node: ReactNode }>();
  const count = useRef(0);
  const returnTo = useRef<HTMLElement | null>(null);
  const open = useCallback((node: ReactNode) => {
    clearToasts();
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && !activeElement.closest('[role=dialog]')) {
      returnTo.current = focusTarget(activeElement);
    }
    count.current += 1;
    setDialog({ key: count.current, node });
  }, []);
  const close = useCallback(() => {
    setDialog(undefined);
    const target = returnTo.current;
    // After the dialog has left the page and given up the focus.
    setTimeout(() => {
      if (target?.isConnected === true) target.focus();
    }, 50);
  }, []);
  const dialogs = useMemo(() => ({ open, close }), [open, close]);
  return (
    <DialogContext.Provider value={dialogs}>
      {children}
      {dialog !== undefined && <div key={dialog.key}>{dialog.node}</div>}
    </DialogContext.Provider>
  );
}

/** An entry of a menu is gone when the dialog closes: its row's menu button takes the focus. */
function focusTarget(element: HTMLElement): HTMLElement {
  const menu = element.closest('[role=menu]');
  const opener = menu === null ? null : document.querySelector(`[aria-controls="${menu.id}"]`);
  return opener instanceof HTMLElement ? opener : element;
}

export function useDialogs(): Dialogs {
  const dialogs = useContext(DialogContext);
  if (dialogs === undefined) throw new Error('a dialog needs its provider');
  return dialogs;
}
