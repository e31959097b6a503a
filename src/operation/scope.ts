import { everyProject, type ProjectScope } from '../catalog/catalog.ts';
import type { Caller } from '../identity/caller.ts';

export function isAdmin(caller: Caller): boolean {
  return caller.roles.includes('admin');
}

/** Whose objects the caller may name by id: those of the own project; an administrator all. */
export function scopeOf(caller: Caller): ProjectScope {
  return isAdmin(caller) ? everyProject : caller.projectId;
}

/** Whose objects a list is about; only an administrator gets others than the own ones. */
export type Projects = 'own' | 'every' | { readonly id: string };

export function listScope(caller: Caller, projects: Projects): ProjectScope {
  if (projects === 'own' || !isAdmin(caller)) return caller.projectId;
  return projects === 'every' ? everyProject : projects.id;
}

type EveryProject = typeof everyProject;

/** The row with this id, of whatever project: for what was authorized before. */
export function byId(id: string): { readonly id: string; readonly projectId: EveryProject } {
  return { id, projectId: everyProject };
}

/** All rows about a volume, of whatever project. */
export function ofVolume(volumeId: string): {
  readonly volumeId: string;
  readonly projectId: EveryProject;
} {
  return { volumeId, projectId: everyProject };
}
