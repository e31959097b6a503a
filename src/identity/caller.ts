/** Who asks: what a valid token, scoped to a project, says. Every operation takes one. */
export interface Caller {
  readonly userId: string;
  readonly userName: string;
  readonly projectId: string;
  readonly projectName: string;
  /** Role names: `admin`, `member`, `reader`. */
  readonly roles: readonly string[];
  /** `req-…`: ties the answer, the log, the job and its messages together. */
  readonly requestId: string;
}
