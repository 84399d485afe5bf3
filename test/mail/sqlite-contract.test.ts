import { mailStoreContract } from './contract.ts'
import { sqlitePlace } from './place.ts'

mailStoreContract('the SQLite store', sqlitePlace)
