import { places } from './rows/places.ts'
import { targets } from './rows/targets.ts'
import { describeRows } from './rows.ts'

describeRows('targets', targets)
describeRows('files and folders', places)
