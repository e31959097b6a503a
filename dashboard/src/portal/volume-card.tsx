import { Button } from '@mantine/core';
import {
  IconShieldCheckFilled,
  IconShieldExclamation,
  IconShieldHalfFilled,
  IconShieldX,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useDialogs } from '../components/dialogs.tsx';
import { nameOf } from '../components/quantities.ts';
import { BackUpDialog } from './back-up-dialog.tsx';
import { ProtectDialog } from './protect-dialog.tsx';
import type { Protection, Shield } from '../api/protection.ts';
import { choices } from './protection.ts';
import { RestoreDialog } from './restore-dialog.tsx';

const shields: Readonly<Record<Shield, { word: string; Icon: typeof IconShieldX }>> = {
  proven: { word: 'Protected and proven', Icon: IconShieldCheckFilled },
  protected: { word: 'Protected, not yet proven', Icon: IconShieldHalfFilled },
  unprotected: { word: 'Not protected', Icon: IconShieldExclamation },
  failing: { word: 'Something is wrong', Icon: IconShieldX },
};

/** Plans by the words of the choices, where they are from there. */
function plansText({ plans }: Protection): string | undefined {
  const titles = plans
    .filter(({ plan }) => plan !== 'weekly-check')
    .map(({ plan }) => choices.find(({ name }) => name === plan)?.title ?? plan);
  return titles.length === 0 ? undefined : `Backed up: ${titles.join(', ').toLowerCase()}`;
}

export function VolumeCard({ volume }: { volume: Protection }): ReactNode {
  const dialogs = useDialogs();
  const { word, Icon } = shields[volume.shield];
  const name = nameOf({ id: volume.volume_id, name: volume.name });
  const plans = plansText(volume);
  const about = { volumeId: volume.volume_id, name, status: volume.status };
  return (
    <li className="portal-card">
      <Icon className={`shield shield-${volume.shield}`} aria-hidden />
      <div>
        <h2>
          <a href={`/portal/volumes/${volume.volume_id}`}>{name}</a>
        </h2>
        <p>
          <span className={`portal-word shield-${volume.shield}`}>{word}.</span> {volume.reason}
        </p>
        {plans !== undefined && <p className="portal-plans">{plans}</p>}
      </div>
      <div className="portal-buttons">
        <Button
          variant={plans === undefined ? 'filled' : 'default'}
          aria-label={`${plans === undefined ? 'Protect' : 'Change'} ${name}`}
          onClick={() => dialogs.open(<ProtectDialog {...about} isUnder={plans !== undefined} />)}
        >
          {plans === undefined ? 'Protect' : 'Change'}
        </Button>
        <Button
          variant="default"
          aria-label={`Back up now: ${name}`}
          onClick={() => dialogs.open(<BackUpDialog {...about} />)}
        >
          Back up now
        </Button>
        <Button
          variant="default"
          disabled={volume.last_backup === null}
          aria-label={`Restore ${name}`}
          onClick={() => dialogs.open(<RestoreDialog {...about} />)}
        >
          Restore
        </Button>
      </div>
    </li>
  );
}
