/** How commands speak to the running supervisor. */

import { askSupervisor, NotRunningError, type Request } from '../servers/supervisor/control.ts'
import type { Configuration } from '../shared/config/settings.ts'
import { PermanentError } from '../shared/service.ts'

/** What to do where none runs. */
export const startItHint = 'Start it with `havre start`, or name its configuration with --config or --set'

/**
 * Asks the supervisor of this configuration's data folder and returns its result.
 * @throws {PermanentError} when none runs, or when it refused for good; an Error when it failed for now
 */
export const ask = async ({ settings }: Configuration, request: Request): Promise<unknown> => {
  try {
    const response = await askSupervisor(settings.data, request)
    if (response.ok) return response.result
    throw response.exitCode === 100 ? new PermanentError(response.message) : new Error(response.message)
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error
    throw new PermanentError(`${error.message}. ${startItHint}`, { cause: error })
  }
}
