/** The rows of raw requests that every server can be asked: all but those about accounts, hidden files and links. */
import { choices } from '../http/rows/choices.ts'
import { conditions } from '../http/rows/conditions.ts'
import { connections } from '../http/rows/connections.ts'
import { framing } from '../http/rows/framing.ts'
import { heads } from '../http/rows/heads.ts'
import { ranges } from '../http/rows/ranges.ts'
import { requestLines } from '../http/rows/request-lines.ts'
import { smuggling } from '../http/rows/smuggling.ts'
import { targets } from '../http/rows/targets.ts'
import type { Row } from '../http/rows.ts'

export const groups: Readonly<Record<string, readonly Row[]>> = {
  'Request lines': requestLines,
  'Fields of heads': heads,
  'The end of a request': framing,
  'What smuggles': smuggling,
  Connections: connections,
  Targets: targets,
  Conditions: conditions,
  Ranges: ranges,
  'Fields of choice': choices,
}

export const rows: readonly Row[] = Object.values(groups).flat()
