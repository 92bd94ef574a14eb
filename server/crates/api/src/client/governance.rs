//! Guardrails and the people behind them: merged rule books, back-tests, packs, limits, the inbox, notification channels.

use super::{Client, ClientError, PageQuery, platform::noun};
use crate::{
    Delivery, DeliveryState, EffectivePolicy, Inbox, NotificationChannel, NotificationChannelCreate,
    NotificationChannelPatch, PackInstall, PackInstalled, Page, PolicyPack, ResourceAmounts, ResourceLimits,
    TopicPolicyBacktest, TopicPolicyBacktested,
};

noun!("notification-channels", NotificationChannel:
    /// Sets a notification channel up. The answer tells the secret that its webhook is signed with.
    create notification_channel_create(NotificationChannelCreate),
    /// A notification channel, by name or id.
    get notification_channel_get,
    /// A page of the notification channels that the caller rules.
    list notification_channel_list,
    /// Changes a notification channel.
    update notification_channel_update(NotificationChannelPatch),
    /// Deletes a notification channel.
    delete notification_channel_delete);
noun!("policy-packs", PolicyPack:
    /// A policy pack, and what is installed of it.
    get policy_pack_get,
    /// The policy packs that come with Orbit.
    list policy_pack_list);

/// Which part of an inbox.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InboxQuery {
    /// Of one workspace: slug or id.
    pub workspace: Option<String>,
    /// With an object in one environment: slug or id.
    pub environment: Option<String>,
    /// How many requests to show; the counts are of all.
    pub limit: Option<u32>,
}

impl Client {
    /// The rule book that holds for a workspace in an environment, merged.
    pub async fn topic_policy_effective(
        &self,
        workspace: &str,
        environment: &str,
    ) -> Result<EffectivePolicy, ClientError> {
        let call = self.get(&["v1", "topic-policies:effective"]);
        call.query("workspace", Some(workspace)).query("environment", Some(environment)).read().await
    }

    /// What a draft of a policy would do to the topics that are there.
    pub async fn topic_policy_backtest(
        &self,
        draft: &TopicPolicyBacktest,
    ) -> Result<TopicPolicyBacktested, ClientError> {
        self.post(&["v1", "topic-policies:backtest"]).body(draft).read().await
    }

    /// Installs a policy pack, or only tells what that would do. `confirm`: slugs of environments, separated by commas, that may be locked out.
    pub async fn policy_pack_install(
        &self,
        pack: &str,
        how: &PackInstall,
        confirm: Option<&str>,
    ) -> Result<PackInstalled, ClientError> {
        self.post(&["v1", "policy-packs", pack, "install"]).query("confirm", confirm).body(how).read().await
    }

    /// How much a workspace may hold in all, and what is taken of that.
    pub async fn workspace_limits_get(&self, id: &str) -> Result<ResourceLimits, ClientError> {
        self.get(&["v1", "workspaces", id, "limits"]).read().await
    }

    /// Sets how much a workspace may hold in all, whole.
    pub async fn workspace_limits_put(&self, id: &str, most: &ResourceAmounts) -> Result<ResourceLimits, ClientError> {
        self.replace(&["v1", "workspaces", id, "limits"], most).read().await
    }

    /// How much a cluster may hold in all, and what is taken of that.
    pub async fn cluster_limits_get(&self, id: &str) -> Result<ResourceLimits, ClientError> {
        self.get(&["v1", "clusters", id, "limits"]).read().await
    }

    /// Sets how much a cluster may hold in all, whole.
    pub async fn cluster_limits_put(&self, id: &str, most: &ResourceAmounts) -> Result<ResourceLimits, ClientError> {
        self.replace(&["v1", "clusters", id, "limits"], most).read().await
    }

    /// What waits for the caller.
    pub async fn request_inbox(&self, of: &InboxQuery) -> Result<Inbox, ClientError> {
        self.get(&["v1", "requests:inbox"])
            .query("workspace", of.workspace.as_deref())
            .query("environment", of.environment.as_deref())
            .query("limit", of.limit)
            .read()
            .await
    }

    /// Sends a message to a channel, to see whether it arrives.
    pub async fn notification_channel_test(&self, channel: &str) -> Result<Delivery, ClientError> {
        self.post(&["v1", "notification-channels", channel, "test"]).read().await
    }

    /// A page of the messages to a channel, newest first.
    pub async fn notification_delivery_list(
        &self,
        channel: &str,
        state: Option<DeliveryState>,
        page: &PageQuery,
    ) -> Result<Page<Delivery>, ClientError> {
        let call = self.get(&["v1", "notification-channels", channel, "deliveries"]);
        call.query("state", state).page(page).read().await
    }

    /// Sends a message again that arrived or was given up.
    pub async fn notification_delivery_resend(&self, channel: &str, delivery: &str) -> Result<Delivery, ClientError> {
        self.post(&["v1", "notification-channels", channel, "deliveries", delivery, "resend"]).read().await
    }

    /// A page of the mail to a principal.
    pub async fn principal_delivery_list(
        &self,
        principal: &str,
        state: Option<DeliveryState>,
        page: &PageQuery,
    ) -> Result<Page<Delivery>, ClientError> {
        let call = self.get(&["v1", "principals", principal, "deliveries"]);
        call.query("state", state).page(page).read().await
    }

    /// Sends mail to a principal again.
    pub async fn principal_delivery_resend(&self, principal: &str, delivery: &str) -> Result<Delivery, ClientError> {
        self.post(&["v1", "principals", principal, "deliveries", delivery, "resend"]).read().await
    }
}
