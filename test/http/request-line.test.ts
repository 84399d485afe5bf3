import { choices } from './rows/choices.ts'
import { connections } from './rows/connections.ts'
import { framing } from './rows/framing.ts'
import { heads } from './rows/heads.ts'
import { requestLines } from './rows/request-lines.ts'
import { smuggling } from './rows/smuggling.ts'
import { describeRows } from './rows.ts'

describeRows('request lines', requestLines)
describeRows('heads', heads)
describeRows('the end of a request', framing)
describeRows('what smuggles', smuggling)
describeRows('connections and their requests', connections)
describeRows('fields of choice', choices)
