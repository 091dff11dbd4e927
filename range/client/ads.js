// Header bidding of shop.test. The mistake: the TC string is passed on, but nothing enforces it (no tcfControl module),
// and the auction does not wait for the choice longer than a moment.
import { adUnits } from '../adunits.mjs';
import { cookie, load } from './tags.js';

const CONSENT = {
  EU: { gdpr: { cmpApi: 'iab', timeout: 3000, actionTimeout: 1200, defaultGdprScope: true } },
  'US-CA': { usp: { cmpApi: 'iab', timeout: 500 } },
};

export async function startAds(region) {
  await load('https://shop.test/assets/prebid.js');
  const { pbjs } = window;
  pbjs.setConfig({
    bidderTimeout: 1500,
    consentManagement: CONSENT[region],
    ortb2: { site: { name: 'Harbour Goods', domain: 'shop.test' }, user: { id: cookie('shop_vid') } },
    userSync: {
      userIds: [{ name: 'sharedId', storage: { type: 'cookie', name: '_sharedID', expires: 365 } }],
      filterSettings: { all: { bidders: '*', filter: 'include' } },
      auctionDelay: 300,
      syncDelay: 400,
    },
  });
  pbjs.addAdUnits(adUnits);
  pbjs.requestBids({ bidsBackHandler: () => pbjs.setTargetingForGPTAsync?.() });
}
