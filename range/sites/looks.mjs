/** Seven kinds of look: what the first page of a site shows, its style, and the words of its second page. */

const INTER = { name: 'Inter', package: '@fontsource/inter', file: 'inter-latin' };
const SANS = 'Inter, system-ui, sans-serif';
const SERIF = 'Georgia, "Times New Roman", serif';
const take = (list, count, from) => Array.from({ length: count }, (_, i) => list[(from + i) % list.length]);

const GOODS = [
  ['Stoneware vase', 41, 'vase'], ['Reading lamp', 118, 'lamp'], ['Canvas bag', 38, 'bag'], ['Salad bowl', 33, 'bowl'], ['Tall vase', 64, 'vase'],
  ['Market tote', 29, 'bag'], ['Table lamp', 86, 'lamp'], ['Bread bowl', 52, 'bowl'], ['Bud vase', 24, 'vase'], ['Weekend bag', 89, 'bag'],
];
const STORIES = [
  ['Council votes to reopen the old tram line', 'The first carriages could run along the waterfront before the end of next year.'],
  ['River swimmers count on a warm September', 'Water quality has been good at eleven of the twelve stations since June.'],
  ['Market hall roof to be rebuilt in timber', 'Stall holders will move to the square for two winters.'],
  ['Night trains return to three cities', 'Beds are on sale from Monday; the slow route takes the coast.'],
  ['Why the orchards are early this year', 'A mild spring brought blossom two weeks ahead of the usual date.'],
  ['School choir wins the regional final', 'Forty voices, one piano and a very long bus ride home.'],
  ['A harbour without diesel by 2030', 'Shore power reaches the last of the ferry berths this autumn.'],
];
const DISHES = [
  ['Tomato and barley stew', '35 min'], ['Charred leeks with almonds', '25 min'], ['Saffron rice, crisp at the edge', '50 min'],
  ['Plum cake for a tin', '70 min'], ['White beans on toast', '15 min'], ['Squash with brown butter', '45 min'], ['Cucumber and dill salad', '10 min'],
];
const PLACES = [
  ['Three islands in a week', 'from 340', 'Ferry pass included'], ['The slow coast road', 'from 210', 'Five nights, small inns'],
  ['A cabin above the lake', 'from 165', 'Open until October'], ['City of bridges', 'from 129', 'Two nights by the river'],
  ['Hut to hut in the hills', 'from 280', 'Six days with a guide'], ['Winter light in the north', 'from 420', 'Seven nights'],
];
const THREADS = [
  ['Which boots for wet limestone?', 'hill_hazel', 42], ['Best way to store bulbs over winter', 'mossy', 17], ['Show your first attempt', 'tern', 128],
  ['Route report: the north ridge', 'old_compass', 23], ['Is this repair worth it?', 'quietfox', 9], ['Sunday meet-up, all welcome', 'linnet', 61],
  ['What are you reading this month?', 'rook', 74], ['A question about left-handed knots', 'bowline', 31],
];
const BOOKS = ['Tides and Tables', 'A House of Rain', 'The Cartographer', 'Small Machines', 'Letters from the Fen', 'Bees of the North', 'On Quiet', 'Salt'];

export const LOOKS = {
  shop: {
    round: 10, font: INTER, body: SANS, head: SANS, links: ['New', 'Home', 'Kitchen', 'Outdoors'], enter: 'Account', noun: 'account', near: 'Find a shop',
    style: `.hero { display: grid; grid-template-columns: 1.1fr 1fr; background: var(--card); border-radius: 16px; overflow: hidden; margin: 6px 0 30px; }
.hero div { padding: 54px 44px; } .hero h1 { font-size: 42px; } .hero img { height: 100%; max-height: 330px; }
.goods { display: grid; grid-template-columns: repeat(4, 1fr); gap: 20px; }
.good { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; } .good img { height: 180px; }
.good p { margin: 12px 16px 16px; display: flex; justify-content: space-between; }`,
    home: ({ picture, pick }) => `<section class="hero"><div><h1>Things that last</h1><p class="lead">Plain, sturdy goods for the house and the table.</p>
<button type="button" class="act">See what is new</button></div><img alt="" src="${picture(['vase', 'lamp', 'bag', 'bowl'][pick % 4], 'hero')}"></section>
<section class="goods">${take(GOODS, 8, pick).map(([name, price, shape], i) => `<article class="good"><img alt="" src="${picture(shape, i)}"><p><span>${name}</span><strong>€${price}</strong></p></article>`).join('')}</section>`,
  },
  news: {
    round: 3, font: INTER, body: SERIF, head: SERIF, links: ['Local', 'Politics', 'Business', 'Culture', 'Sport'], enter: 'Subscriber area',
    noun: 'subscription', near: 'News from your area',
    style: `.top { border-bottom: 3px double var(--ink); } .top .brand { font-size: 36px; letter-spacing: -.5px; }
.front { display: grid; grid-template-columns: 2fr 1fr; gap: 34px; margin-top: 26px; } .front h1 { font-size: 40px; } .front img { height: 330px; margin-bottom: 14px; }
.brief { border-bottom: 1px solid var(--line); padding: 0 0 14px; margin-bottom: 14px; } .brief h3 { font-size: 19px; }
.more { display: grid; grid-template-columns: repeat(3, 1fr); gap: 26px; margin-top: 28px; } .more img { height: 150px; margin-bottom: 10px; }
.date { color: var(--soft); font: 13px ${SANS}; text-transform: uppercase; letter-spacing: 1px; }`,
    home({ picture, pick }) {
      const [first, ...others] = take(STORIES, 7, pick);
      return `<section class="front"><article><img alt="" src="${picture('scene', 'front')}"><span class="date">Front page</span><h1>${first[0]}</h1><p class="lead">${first[1]}</p></article>
<aside>${others.slice(0, 3).map(([head, text]) => `<div class="brief"><h3>${head}</h3><span>${text}</span></div>`).join('')}</aside></section>
<section class="more">${others.slice(3).map(([head, text], i) => `<article><img alt="" src="${picture('scene', i)}"><h3>${head}</h3><p>${text}</p></article>`).join('')}</section>`;
    },
  },
  recipes: {
    round: 18, font: INTER, body: SANS, head: SERIF, links: ['Quick', 'Baking', 'Seasonal', 'Techniques'], enter: 'My kitchen', noun: 'kitchen', near: 'Markets nearby',
    style: `.intro { text-align: center; padding: 26px 0 8px; } .intro h1 { font-size: 46px; } .intro .lead { margin: 0 auto 24px; }
.dishes { display: grid; grid-template-columns: repeat(3, 1fr); gap: 24px; } .dish { background: var(--card); border-radius: 18px; overflow: hidden; box-shadow: 0 4px 20px rgba(60, 40, 20, .08); }
.dish img { height: 210px; } .dish div { padding: 16px 20px 20px; } .dish h3 { font-size: 21px; } .dish span { color: var(--accent); font-size: 14px; font-weight: 700; }`,
    home: ({ picture, pick }) => `<section class="intro"><h1>What is for dinner?</h1><p class="lead">Cooked, written down and cooked again until it works.</p></section>
<section class="dishes">${take(DISHES, 6, pick).map(([name, time], i) => `<article class="dish"><img alt="" src="${picture('dish', i)}"><div><h3>${name}</h3><span>${time}</span></div></article>`).join('')}</section>`,
  },
  travel: {
    round: 8, font: INTER, body: SANS, head: SANS, links: ['Journeys', 'Timetable', 'Offers', 'Help'], enter: 'My trips', noun: 'trips', near: 'Leaving from',
    style: `.banner { position: relative; border-radius: 18px; overflow: hidden; color: #fff; margin-bottom: 28px; } .banner img { height: 360px; }
.banner div { position: absolute; inset: 0; padding: 60px 50px; background: linear-gradient(90deg, rgba(10, 25, 45, .72), rgba(10, 25, 45, 0)); } .banner h1 { font-size: 48px; max-width: 12em; }
.trips { display: grid; grid-template-columns: repeat(3, 1fr); gap: 22px; } .trip { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
.trip img { height: 170px; } .trip div { padding: 16px 18px; } .trip strong { color: var(--accent); } .trip span { color: var(--soft); display: block; font-size: 14px; }`,
    home: ({ picture, pick }) => `<section class="banner"><img alt="" src="${picture('scene', 'banner')}"><div><h1>Go slowly, see more of it</h1><p>Ferries, night trains and small hotels in one booking.</p>
<button type="button" class="act">Find a journey</button></div></section>
<section class="trips">${take(PLACES, 6, pick).map(([name, price, note], i) => `<article class="trip"><img alt="" src="${picture('scene', i)}"><div><h3>${name}</h3><strong>${price} €</strong><span>${note}</span></div></article>`).join('')}</section>`,
  },
  forum: {
    round: 6, font: INTER, body: SANS, head: SANS, links: ['Latest', 'Unanswered', 'Members'], enter: 'Profile', noun: 'profile', near: 'Members nearby',
    style: `.threads { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin-top: 20px; } .thread { display: grid; grid-template-columns: 48px 1fr 90px; gap: 16px;
align-items: center; padding: 15px 20px; border-bottom: 1px solid var(--line); } .thread i { display: grid; place-items: center; width: 44px; height: 44px; border-radius: 50%;
color: #fff; font: 700 18px ${SANS}; background: var(--accent); } .thread b { display: block; } .thread span { color: var(--soft); font-size: 14px; }`,
    home: ({ title, pick }) => `<h1>${title.replace('&', '&amp;')}</h1><p class="lead">Ask, answer, be kind. Every question was somebody's first.</p>
<section class="threads">${take(THREADS, 8, pick).map(([name, author, replies]) => `<article class="thread"><i>${author[0].toUpperCase()}</i><div><b>${name}</b><span>started by ${author}</span></div><span>${replies} replies</span></article>`).join('')}</section>`,
  },
  bank: {
    round: 4, font: INTER, body: SANS, head: SANS, links: ['Accounts', 'Savings', 'Loans', 'Help'], enter: 'Online banking', noun: 'accounts', near: 'Branches',
    style: `.hall { display: grid; grid-template-columns: 1.2fr 1fr; gap: 40px; align-items: center; padding: 40px 0 34px; } .hall h1 { font-size: 46px; } .hall img { height: 300px; border-radius: 10px; }
.rates { display: grid; grid-template-columns: repeat(3, 1fr); gap: 20px; } .rate { background: var(--card); border-top: 4px solid var(--accent); padding: 22px; border-radius: 4px; box-shadow: 0 2px 12px rgba(10, 30, 60, .07); }
.rate b { font-size: 32px; display: block; } .rate span { color: var(--soft); }`,
    home: ({ picture }) => `<section class="hall"><div><h1>Banking you need not think about</h1><p class="lead">Owned by its members, without shareholders, since 1911.</p>
<button type="button" class="act">Open an account</button></div><img alt="" src="${picture('scene', 'hall')}"></section>
<section class="rates">${[['Everyday account', '€0', 'a month, card included'], ['Savings', '2.15%', 'from the first euro'], ['Home loan', '3.40%', 'fixed for ten years']]
    .map(([name, figure, note]) => `<article class="rate"><h3>${name}</h3><b>${figure}</b><span>${note}</span></article>`).join('')}</section>`,
  },
  library: {
    round: 5, font: INTER, body: SANS, head: SERIF, links: ['Catalogue', 'Events', 'Rooms', 'Children'], enter: 'My library', noun: 'loans', near: 'Branches',
    style: `.hours { background: var(--accent); color: #fff; border-radius: 8px; padding: 34px 40px; margin: 8px 0 30px; } .hours h1 { font-size: 40px; }
.books { display: grid; grid-template-columns: repeat(4, 1fr); gap: 22px; } .book { background: var(--card); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.book img { height: 210px; } .book p { margin: 10px 14px 14px; }`,
    home: ({ picture, pick }) => `<section class="hours"><h1>Open today until eight</h1><p>Two floors of books, one of quiet. Reading hour for children at four.</p></section><h2>New on the shelves</h2>
<section class="books">${take(BOOKS, 8, pick).map((name, i) => `<article class="book"><img alt="" src="${picture('cover', i)}"><p>${name}</p></article>`).join('')}</section>`,
  },
};
