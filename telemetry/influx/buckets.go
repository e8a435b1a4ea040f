package influx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/domain"

	"cityhub/telemetry"
)

// ensure sees to it, once, that the three buckets exist. A failure is tried
// again at the next use: an operator may have mended the cause.
func (a *Archive) ensure(ctx context.Context) error {
	if err := ctx.Err(); err != nil || a.ready.Load() {
		return err
	}
	select {
	case a.lookup <- struct{}{}:
		defer func() { <-a.lookup }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if a.ready.Load() {
		return nil
	}
	if err := a.Health(ctx); err != nil {
		return err
	}
	for bucket, name := range a.buckets {
		if err := a.ensureBucket(ctx, name, a.opts.Retention[bucket]); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &telemetry.ArchiveError{Retryable: true, Err: err}
		}
	}
	a.ready.Store(true)
	return nil
}

// ensureBucket creates a bucket that is not there. A bucket that is there
// keeps the retention that it has; the log says so when that is not ours.
func (a *Archive) ensureBucket(ctx context.Context, name string, retention time.Duration) error {
	found, findErr := a.client.APIClient().GetBuckets(ctx, &domain.GetBucketsParams{Org: &a.opts.Org, Name: &name})
	if findErr == nil && found.Buckets != nil && len(*found.Buckets) > 0 {
		if has := kept((*found.Buckets)[0]); has != retention {
			a.opts.Log.Warn("a bucket of InfluxDB does not keep its data as long as the hub is told to: set one to the other's",
				"bucket", name, "bucket keeps", span(has), "hub wants", span(retention))
		}
		return nil
	}
	createErr := a.createBucket(ctx, name, retention)
	if createErr == nil {
		return nil
	}
	return fmt.Errorf("bucket %q of organisation %q is not there for this token and cannot be created: "+
		"create it with retention %s and let the token read and write it, or let the token create buckets: %w",
		name, a.opts.Org, span(retention), errors.Join(findErr, createErr))
}

// kept is how long a bucket keeps its data; 0: for ever.
func kept(bucket domain.Bucket) (longest time.Duration) {
	for _, rule := range bucket.RetentionRules {
		longest = max(longest, time.Duration(rule.EverySeconds)*time.Second)
	}
	return longest
}

func span(retention time.Duration) string {
	if retention == 0 {
		return "infinite"
	}
	return retention.String()
}

func (a *Archive) createBucket(ctx context.Context, name string, retention time.Duration) error {
	org, err := a.client.OrganizationsAPI().FindOrganizationByName(ctx, a.opts.Org)
	if err != nil {
		return err
	}
	rules := domain.RetentionRules{}
	if retention > 0 {
		rules = append(rules, domain.RetentionRule{EverySeconds: int64(retention / time.Second)})
	}
	_, err = a.client.BucketsAPI().CreateBucketWithName(ctx, org, name, rules...)
	return err
}
