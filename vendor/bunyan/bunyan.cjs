'use strict'
/** ftp-srv calls this when it was given no log; Havre always gives one, so a call is a mistake of ours. */
exports.createLogger = () => {
  throw new Error('ftp-srv was started without a log')
}
