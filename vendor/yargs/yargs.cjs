'use strict'
module.exports = () => {
  throw new Error("ftp-srv's own command line is not part of Havre")
}
