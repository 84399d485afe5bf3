import type { Log } from '../../shared/log/log.ts'
import type { Connection } from '../../shared/service.ts'
import type { DataFacts } from './data-connection.ts'
import * as journal from './journal.ts'
import type { TransferType } from './representation.ts'
import type { TransferEnd } from './running-transfer.ts'
import type { SessionContext } from './session-state.ts'
import { transferLine } from './transfer-log.ts'
import type { TransferPlan } from './transfer-plan.ts'

/** A transfer that is over. */
export interface EndedTransfer {
  readonly plan: TransferPlan
  readonly end: TransferEnd
  /** On the wire. */
  readonly octets: number
  readonly type: TransferType
  readonly account: string
  /** See `State`. */
  readonly guest: string | null
  /** Null where no data connection came about. */
  readonly data: DataFacts | null
  /** Whether the data connection was encrypted. */
  readonly secure: boolean
}

/** Writes down how it went: in the journal, and of a file in the transfer log. */
export const recordTransfer = (context: SessionContext, connection: Connection, log: Log, transfer: EndedTransfer): void => {
  const { plan, end, octets, type, account, guest, data, secure } = transfer
  const { direction, path: file } = plan
  const { complete, why, durationMs } = end
  if (data !== null && connection.transcript !== null) {
    journal.dataClosed(log, { ...data, direction, octets, complete, secure })
  }
  if (direction === 'list') {
    journal.listed(log, file, octets, durationMs, complete)
    return
  }
  journal.transferred(log, { direction, file, type, octets, durationMs, complete, why })
  const { service } = context
  const { address } = connection.remote
  context.transferLog.write(
    transferLine({ endedAtMs: Date.now(), durationMs, address, octets, file, type, direction, account, guest, service, complete }),
  )
}
