SELECT ad_id, count(*) AS touches, avg(is_click) AS clicked
FROM touches
GROUP BY ad_id
