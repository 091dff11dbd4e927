/** The ad slots of shop.test: twenty real prebid.js bidders, with the sample parameters of their documentation
 * and the host that each calls for bids once consent is given. */

const LEADERBOARD = {
  code: 'ad-leaderboard',
  mediaTypes: { banner: { sizes: [[728, 90], [970, 90]] } },
  bids: [
    { bidder: 'appnexus', host: 'ib.adnxs.com', params: { placementId: 13144370 } },
    { bidder: 'rubicon', host: 'fastlane.rubiconproject.com', params: { accountId: 14062, siteId: 70608, zoneId: 498816 } },
    { bidder: 'pubmatic', host: 'hbopenbid.pubmatic.com', params: { publisherId: '156209', adSlot: 'pubmatic_test2' } },
    { bidder: 'openx', host: 'rtb.openx.net', params: { unit: '539439964', delDomain: 'se-demo-d.openx.net' } },
    { bidder: 'ix', host: 'htlb.casalemedia.com', params: { siteId: '9999990', size: [728, 90] } },
    { bidder: 'criteo', host: 'grid-bidder.criteo.com', params: { zoneId: 497747 } },
    { bidder: 'triplelift', host: 'tlx.3lift.com', params: { inventoryCode: 'forbes_main' } },
    { bidder: 'sovrn', host: 'ap.lijit.com', params: { tagid: '403370' } },
    { bidder: 'smartadserver', host: 'prg.smartadserver.com', params: { siteId: 207435, pageId: 896536, formatId: 62913 } },
    { bidder: 'medianet', host: 'prebid.media.net', params: { cid: '8CUX0H51C', crid: '451466393' } },
  ],
};

const SIDEBAR = {
  code: 'ad-sidebar',
  mediaTypes: { banner: { sizes: [[300, 250], [300, 600]] } },
  bids: [
    { bidder: 'teads', host: 'a.teads.tv', params: { placementId: 12345, pageId: 1234 } },
    { bidder: '33across', host: 'ssc.33across.com', params: { zoneId: 'sample33xGUID123456789', productId: 'siab' } },
    { bidder: 'gumgum', host: 'g2.gumgum.com', params: { zone: 'dc9d6be1', slot: '15901' } },
    { bidder: 'sharethrough', host: 'btlr.sharethrough.com', params: { pkey: 'LuB3vxGGFrBZJa6tifXW4xgK' } },
    { bidder: 'seedtag', host: 's.seedtag.com', params: { publisherId: '0000-0000-01', adUnitId: '0000', placement: 'inArticle' } },
    { bidder: 'onetag', host: 'onetag-sys.com', params: { pubId: '386276e072' } },
    { bidder: 'improvedigital', host: 'ad.360yield.com', params: { publisherId: 950, placementId: 22135702 } },
    { bidder: 'taboola', host: 'display.bidder.taboola.com', params: { tagId: 'tester-placement', publisherId: 'tester-pub' } },
    { bidder: 'conversant', host: 'web.hb.ad.cpe.dotomi.com', params: { site_id: '108060' } },
    { bidder: 'rise', host: 'hb.yellowblue.io', params: { org: '1234567890abcdef12345678' } },
  ],
};

export const adUnits = [LEADERBOARD, SIDEBAR];
export const bidders = adUnits.flatMap((unit) => unit.bids.map((bid) => bid.bidder));
