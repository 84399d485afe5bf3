import { mailStoreContract } from './contract.ts'
import { mailHeadsContract } from './heads-contract.ts'
import { sqlitePlace } from './place.ts'
import { mailQuotaContract } from './quota-contract.ts'

mailStoreContract('the SQLite store', sqlitePlace)
mailHeadsContract('the SQLite store', sqlitePlace)
mailQuotaContract('the SQLite store', sqlitePlace)
