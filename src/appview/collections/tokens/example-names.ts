/** CIDs and accounts that the examples of token records are made of. */
export const LEDGER = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
/** Some other content. */
export const OTHER = 'bafyreia2kiroaib7idwm6ufjyxipvtfdkvshrvucfqcynp7onrkgb7gvpa'
/** Somebody who gets tokens. */
export const BEN = 'did:plc:ben222222222222222222222'
/** Somebody else. */
export const EVE = 'did:plc:eve222222222222222222222'
/** A key of nobody. */
export const KEY = 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'
/** When it all happens. */
export const NOON = '2026-11-28T12:00:00.000Z'
/** Two transfers of `BEN` with number 1, canonical bytes in base64, both signed by one key. */
export const signedByBen = {
  one: 'qGNzZXEBZGtpbmRwcGVlcl9yZWNvZ25pdGlvbmUkdHlwZXgZY28ua2VuZGV2LnRva2Vucy50cmFuc2ZlcmVlcG9jaABmbGVkZ2VyeDtiYWZ5cmVpZm1ha2hvMjJxanB0ZnljY2lhYjJnbTZoeWw0eWVhdjdiMnNwNnVzMm5kb3RhdnFuNHFnaWdjcmVkaXRzgaJidG94IGRpZDpwbGM6ZXZlMjIyMjIyMjIyMjIyMjIyMjIyMjIyZmFtb3VudAFpY3JlYXRlZEF0eBgyMDI2LTExLTI4VDEyOjAwOjAwLjAwMFpqc2lnbmF0dXJlc4GjY2tleXg5ZGlkOmtleTp6RG5hZXNHSEE2NW5mWVFCRXhybTEyUmtSVXRERjZTYlpHYUF6eGg3MVpaOFg3SGZTZSR0eXBleCRjby5rZW5kZXYudG9rZW5zLmRlZnMjc3BlbmRTaWduYXR1cmVpc2lnbmF0dXJlWECv5SQizO5r5Y/9OMrNASRVda0oTv12NdGwZqQH0OSlrC7UL8jaYs2v6+3fIgSJhd2S5mYQcewkugS9JzFmE6uh',
  two: 'qGNzZXEBZGtpbmRwcGVlcl9yZWNvZ25pdGlvbmUkdHlwZXgZY28ua2VuZGV2LnRva2Vucy50cmFuc2ZlcmVlcG9jaABmbGVkZ2VyeDtiYWZ5cmVpZm1ha2hvMjJxanB0ZnljY2lhYjJnbTZoeWw0eWVhdjdiMnNwNnVzMm5kb3RhdnFuNHFnaWdjcmVkaXRzgaJidG94IGRpZDpwbGM6ZXZlMjIyMjIyMjIyMjIyMjIyMjIyMjIyZmFtb3VudAJpY3JlYXRlZEF0eBgyMDI2LTExLTI4VDEyOjAwOjAwLjAwMFpqc2lnbmF0dXJlc4GjY2tleXg5ZGlkOmtleTp6RG5hZXNHSEE2NW5mWVFCRXhybTEyUmtSVXRERjZTYlpHYUF6eGg3MVpaOFg3SGZTZSR0eXBleCRjby5rZW5kZXYudG9rZW5zLmRlZnMjc3BlbmRTaWduYXR1cmVpc2lnbmF0dXJlWECkuED1OC1xJPwjPYx24T5SkfwsD/gv/UYhAunchuKvr0GiyE1eVez1fpQbgjz9R4x2MjnQWRpiJEL9An9BEt8R',
}
