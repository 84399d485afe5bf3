import { conditions } from './rows/conditions.ts'
import { ranges } from './rows/ranges.ts'
import { describeRows } from './rows.ts'

describeRows('conditions', conditions)
describeRows('ranges', ranges)
