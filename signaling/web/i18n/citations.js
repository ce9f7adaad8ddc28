/**
 * Articles as officers say them: 第十六条第（二）项 for the code YN-16-2. Pure. The same as config/articles/citations.py.
 *
 * A ground of the pack brings its article along ("云南 第二十六条第一项、第二项"); a code alone has its numbers. Codes that
 * stand in no article (END-, SAY-, WARN-) have no citation of their own.
 */
const DIGITS = [..."〇一二三四五六七八九"];
const CODE = /^[A-Z]+-(\d+)(?:-(\d+))?(?:-[A-Z]+)?$/;
const ITEM = /第(?:（([一二三四五六七八九十]+)）|([一二三四五六七八九十]+))项/g;
const ARTICLES = /第([一二三四五六七八九十]+)条((?:第（[一二三四五六七八九十]+）项、?)*)/g;

/** A number up to 99 in Chinese: 16 is 十六. */
export function numeral(number) {
  const [tens, ones] = [Math.floor(number / 10), number % 10];
  if (tens === 0) return DIGITS[ones];
  return `${tens > 1 ? DIGITS[tens] : ""}十${ones ? DIGITS[ones] : ""}`;
}

function valueOf(chinese) {
  const [tens, ones] = chinese.includes("十") ? chinese.split("十") : ["", chinese];
  const ten = chinese.includes("十") ? 10 * (tens ? DIGITS.indexOf(tens) : 1) : 0;
  return ten + (ones ? DIGITS.indexOf(ones) : 0);
}

/** @param {string} code @param {string} article the pack's own, "" where only the code is known @returns {{zh, en}} */
export function cited(code, article = "") {
  const [, number, item] = CODE.exec(code) ?? [];
  const own = /第|须知|承诺书/.test(article) ? article.replace(/^[^ 第]+ /, "").replace(ITEM, (_, a, b) => `第（${a ?? b}）项`) : "";
  const whole = own || (number ? `第${numeral(Number(number))}条` : "");
  const zh = item && !whole.includes("项") && !whole.includes("、") ? `${whole}第（${numeral(Number(item))}）项` : whole;
  return { zh, en: inEnglish(zh) };
}

/** "Articles 28, 29(2)"; what is no article stays as it is. */
function inEnglish(zh) {
  const found = [...zh.matchAll(ARTICLES)].map(([, article, items]) =>
    valueOf(article) + [...items.matchAll(ITEM)].map(([, a]) => `(${valueOf(a)})`).join(""));
  const rest = zh.replace(ARTICLES, "").replace(/^、|、$/g, "");
  if (!found.length) return zh;
  return `${found.length > 1 ? "Articles" : "Article"} ${found.join(", ")}${rest ? `, ${rest}` : ""}`;
}
