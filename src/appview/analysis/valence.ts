/** How good or bad words are, in tenths from -40 to 40, on the scale of VADER (Hutto and Gilbert
 *  2014): the sum over a text is squeezed to between -1 and 1 with the constants of that paper. */
const WORDS: Readonly<Record<string, string>> = {
  '34': 'magnificently outstanding brilliant 😍 ❤️ ❤ 🥰',
  '32': 'love loved loves loving best awesome fantastic superb 🎉 😻',
  '28': 'amazing excellent wonderful great perfect perfectly delighted thrilled 👏 😁 🤩',
  '24': 'beautiful happy glad impressed lovely joy pleased win winner 😊 😀 😄 🙂 👍',
  '20': `good nice enjoy enjoyed enjoying fun friendly helpful kind thanks thank thankful grateful
    recommend recommended reliable success successful trust trusted cool polite professional 🙏`,
  '15': `like liked likes fine fair clean easy fast quick quickly comfortable fresh safe honest
    welcome useful better improve improved works worked smooth smoothly super satisfied agree
    appreciate appreciated care caring smart clever interested interesting ready calm tasty`,
  '9': 'okay ok yes please hope hopeful hopefully clear accept accepted support affordable free',
  '-9': `late slow delay delayed wait waiting waited unclear missing lack lacks expensive pricey
    noisy miss missed doubt unsure bored boring strange difficult hard alone ignore`,
  '-15': `problem problems issue issues wrong mistake mistakes error errors trouble complaint
    complaints complain complaining dirty cold cancel cancelled damaged damage broken broke break
    leak leaking leaked scratch scratched faulty fault unhappy unfair worried worry unreliable
    disappointed disappointing disappointment overcharged sorry tired sick stuck confused confusing
    refuse refused ridiculous unacceptable poor poorly fail failed fails failing unprofessional`,
  '-21': `bad sad angry annoyed annoying upset ruined ruin rude useless waste wasted pathetic
    horrid painful pain hurt lie lied lies cheat cheated shame ashamed frustrated frustrating
    dangerous incompetent worse nasty mess 😠 😞 😢 👎 🙁`,
  '-26': 'terrible horrible awful disgusting dreadful furious stolen scam fraud robbed 😡 🤬 😭 🤮',
  '-31': 'worst hate hated hates hell disaster nightmare appalling despicable 💩',
}

/** The valence of words and signs, in tenths. */
export const VALENCE: ReadonlyMap<string, number> = new Map(
  Object.entries(WORDS).flatMap(([tenths, words]) =>
    words.split(/\s+/).map((word) => [word, Number(tenths)] as const),
  ),
)

/** How much a word before another adds to it, in thousandths; less when it stands farther off. */
export const BOOSTERS: ReadonlyMap<string, number> = new Map([
  ...`very really extremely absolutely totally incredibly completely highly especially so such
    deeply truly utterly most entirely particularly exceptionally`
    .split(/\s+/)
    .map((word) => [word, 293] as const),
  ...'slightly somewhat kinda barely marginally partly almost little hardly scarcely'
    .split(' ')
    .map((word) => [word, -293] as const),
])

const NEGATIONS = new Set(
  `not no never none nothing neither nor without cannot cant dont doesnt didnt isnt wasnt arent
    wont wouldnt couldnt shouldnt havent hasnt hadnt werent nobody`.split(/\s+/),
)

/** Whether a word turns the ones after it around. */
export function isNegation(word: string): boolean {
  return NEGATIONS.has(word) || word.endsWith("n't")
}
