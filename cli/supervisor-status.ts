/** What the supervisor says of itself and its services, checked; and how it is asked. */
import { z } from 'zod'
import { askSupervisor, NotRunningError } from '../servers/supervisor/control.ts'
import { PermanentError } from '../shared/service.ts'

/** How logs are: of one process, or of all of a service. */
const journal = z.looseObject({ ok: z.boolean(), error: z.string().nullable(), dropped: z.number() })

/** Loose: a supervisor of another version may say more, and `--json` prints all of it. */
const service = z.looseObject({
  name: z.string(),
  protocol: z.string(),
  host: z.string(),
  port: z.number(),
  pid: z.number().nullable(),
  state: z.string(),
  startedAt: z.string().nullable(),
  restarts: z.number(),
  connections: z.number(),
  served: z.number(),
  memory: z.number(),
  lastError: z.string().nullable(),
  /** ISO 8601, while a service waits for it. */
  nextTry: z.string().nullable().optional(),
  /** How often which limit was met since the supervisor started, by its name. */
  refused: z.record(z.string(), z.number()).optional(),
  /** Each of its processes, with numbers of its own. */
  workers: z.array(z.looseObject({ pid: z.number().nullable(), state: z.string() })).optional(),
  journal: journal.optional(),
})
const schema = z.looseObject({
  supervisor: z.looseObject({
    pid: z.number(),
    version: z.string(),
    state: z.string(),
    startedAt: z.string(),
    journal: journal.optional(),
  }),
  services: z.array(service),
})

/** As `havre status --json` prints it. */
export type Status = z.output<typeof schema>
export type ServiceStatus = Status['services'][number]

/** `silent`: there is one, and it does not answer. */
export type Seen =
  | { readonly kind: 'running'; readonly status: Status }
  | { readonly kind: 'absent'; readonly why: string }
  | { readonly kind: 'silent'; readonly why: string }

/** Whether and how the supervisor of a data folder runs. @throws {PermanentError} when its answer cannot be understood, or it is another user's */
export const seeSupervisor = async (data: string): Promise<Seen> => {
  let result: unknown
  try {
    const response = await askSupervisor(data, { command: 'status' })
    if (!response.ok) return { kind: 'silent', why: response.message }
    result = response.result
  } catch (error) {
    if (error instanceof NotRunningError) return { kind: 'absent', why: error.message }
    if (!(error instanceof Error) || error instanceof PermanentError) throw error
    // It has the socket and says nothing, or the socket is not ours to use: that is an answer too.
    return { kind: 'silent', why: error.message }
  }
  const parsed = schema.safeParse(result)
  if (parsed.success) return { kind: 'running', status: parsed.data }
  throw new PermanentError('the running Havre is of a version that this one does not understand: stop it and start it again')
}
